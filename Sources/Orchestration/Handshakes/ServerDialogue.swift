import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI
import Synchronization

/// Questions to a server and its answers, one at a time, over a control connection that no test runs on.
actor ServerDialogue {
    private let session: any TransportSession
    private let time: Timekeeper
    private var lines = LineReader()
    private var tellsUsage = false
    /// The server didn't answer in time, and isn't asked again.
    private var isOver = false

    init(_ session: any TransportSession, _ time: Timekeeper) {
        self.session = session
        self.time = time
    }

    /// - Returns: The server's software; nil when it doesn't speak the control protocol: it stays silent.
    /// - Throws: What the server has against this client.
    func greet() async throws(TestFailure) -> String? {
        let hello = Hello(client: QrateVersion.software, capabilities: Capability.announced)
        switch try await exchange(.hello(hello), within: Tunables.sideAnswer) {
        case nil: return nil
        case .hello(let hello)?:
            do throws(ControlError) {
                let server = try PeerProtocol.negotiate(hello, as: .client)
                tellsUsage = server.tellsUsage && !server.demandsPSK
                return server.software
            } catch {
                throw error.failure
            }
        case .error(let message)?: throw message.failure(otherwise: .refused)
        case .some: throw TestFailure(.protocolError, "The server answered a hello with something else.")
        }
    }

    /// What processor time the server's process has used; nil where it doesn't tell, or not any more.
    func usage() async -> Duration? {
        guard tellsUsage, !isOver else { return nil }
        let answer = try? await exchange(.usage(UsageMessage()), within: Tunables.sideAnswer)
        guard case .usage(let usage)? = answer else {
            isOver = true
            return nil
        }
        return usage.processTime
    }

    private func exchange(
        _ question: ControlMessage, within limit: Duration
    ) async throws(TestFailure) -> ControlMessage? {
        let hasTimedOut = Flag()
        let alarm = time.alarm(after: limit)
        let watch = Task { [session] in
            do { try await alarm() } catch { return }  // cancelled
            hasTimedOut.set()
            await session.close(.timedOut)  // this ends the wait
        }
        defer { watch.cancel() }
        do {
            try await send(try ControlCodec.encode(question))
            while true {
                if let line = try lines.nextLine() { return try ControlCodec.decode(line) }
                guard let bytes = try await session.control.receive() else {
                    if hasTimedOut.isSet || Task.isCancelled { return nil }
                    throw TestFailure(.protocolError, "The server ended the conversation.")
                }
                lines.append(bytes)
            }
        } catch let error as ControlError {
            throw error.failure
        } catch let failure as TestFailure {
            throw failure
        } catch let error as TransportError {
            if hasTimedOut.isSet { return nil }
            throw error.failure
        } catch {
            throw TestFailure(.failed, "\(error)")
        }
    }

    /// A server that has closed the connection said why before: that is told, rather than that sending failed.
    private func send(_ bytes: [UInt8]) async throws(TransportError) {
        do throws(TransportError) { try await session.control.send(bytes) } catch {
            while try await session.control.receive() != nil {}
            throw error
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        func set() { value.store(true, ordering: .releasing) }
        var isSet: Bool { value.load(ordering: .acquiring) }
    }
}
