import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// The receiving half of the control channel. It reads the next piece only when the loop has worked off the last one,
/// so a peer that sends faster than we work is slowed down by its own flow control and fills no memory of ours.
struct Inbox: Sendable {
    private let control: any ControlChannel
    private let permits: AsyncStream<Void>
    private let permit: AsyncStream<Void>.Continuation

    init(_ control: any ControlChannel) {
        self.control = control
        (permits, permit) = AsyncStream.makeStream()
        permit.yield()
    }

    /// The last piece is worked off.
    func readOn() { permit.yield() }

    func run(_ mailbox: Mailbox) async {
        do throws(TransportError) {
            for await _ in permits {
                guard let bytes = try await control.receive() else { return mailbox.post(.controlEnded) }
                mailbox.post(.bytes(bytes))
            }
        } catch {
            mailbox.post(.transportFailed(error))
        }
    }
}

/// The sending half: a queue, so that the loop never waits for a peer that doesn't read.
struct Outbox: Sendable {
    private let control: any ControlChannel
    private let lines: AsyncStream<[UInt8]>
    private let queue: AsyncStream<[UInt8]>.Continuation

    init(_ control: any ControlChannel) {
        self.control = control
        (lines, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Tunables.mostQueuedMessages))
    }

    func put(_ message: ControlMessage) throws(TransportError) {
        let line: [UInt8]
        do { line = try ControlCodec.encode(message) } catch {
            throw TransportError(error.failure.kind, "A message could not be written: \(error)")
        }
        if case .dropped = queue.yield(line) {
            throw TransportError(
                .failed, "The peer reads no control messages: \(Tunables.mostQueuedMessages) are waiting for it.")
        }
    }

    /// Ends silently when the connection is gone: ``Inbox`` tells, once it has given out what had arrived before. That
    /// may be the result, or the reason.
    func run() async {
        do throws(TransportError) {
            for await line in lines { try await control.send(line) }
        } catch {}
    }
}
