import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// A session's control connection on its loop's thread: received bytes into an inbox, sent ones out of a queue.
///
/// `@unchecked Sendable`: other threads hold it to name it in work that they post; what isn't `Sendable` by itself is
/// touched on the loop's thread alone.
final class ControlCore: StreamLoopMember, @unchecked Sendable {
    let inbox = ControlInbox()
    /// Opens when the connection is over and its descriptor is let go.
    let hasEnded = Latch()
    private var stream: (any ByteStream)?
    private var unsent: [UInt8] = []
    private var sentUpTo = 0
    private var hasReadAll = false
    private var closing: Closing?

    private struct Closing {
        var deadline: MonotonicTime
        var hasFinishedWriting = false
    }

    /// Received bytes that wait for their reader beyond which no more are read.
    private static let mostUnread = 256 << 10
    /// A peer that takes no control bytes must not make us keep more than this.
    private static let mostUnsent = 4 << 20
    /// How long a close waits for the last messages to be written.
    private static let flushTime = Duration.seconds(2)
    /// How long it then waits for the peer to end its half: a descriptor that is closed with bytes unread makes the kernel
    /// send a reset, which can cost the peer our last words.
    private static let lingering = Duration.milliseconds(500)

    /// - Parameter received: What was read of the connection before it was known to be a control connection.
    init(_ stream: any ByteStream, received: [UInt8] = []) {
        self.stream = stream
        if !received.isEmpty { inbox.append(received) }
    }

    // MARK: Posted by the session

    /// - Returns: Whether the bytes were taken.
    func send(_ bytes: [UInt8], _ loop: StreamLoopTurn) -> Bool {
        guard stream != nil, closing == nil, unsent.count - sentUpTo < Self.mostUnsent else { return false }
        if sentUpTo > 0, sentUpTo == unsent.count {
            unsent.removeAll(keepingCapacity: true)
            sentUpTo = 0
        }
        unsent += bytes
        loop.poke(self)
        return true
    }

    /// Sends what is queued, ends this half, and lets the connection go; ``hasEnded`` tells when.
    func close(_ loop: StreamLoopTurn, now: MonotonicTime) {
        guard closing == nil else { return }
        closing = Closing(deadline: now + Self.flushTime)
        loop.poke(self)
    }

    // MARK: StreamLoopMember

    var descriptor: Int32 { stream?.socket.descriptor ?? -1 }

    var interest: SocketPoll.Ready {
        var interest: SocketPoll.Ready = []
        if !hasReadAll, isReading { interest.insert(.readable) }
        if hasUnsent { interest.insert(.writable) }
        return interest
    }

    private var hasUnsent: Bool { sentUpTo < unsent.count || stream?.hasUnsent == true }

    var deadline: MonotonicTime { closing?.deadline ?? .never }

    private var isReading: Bool { closing != nil || inbox.backlog < Self.mostUnread }

    func turn(_ ready: SocketPoll.Ready, _ loop: StreamLoopTurn, now: MonotonicTime) -> Bool {
        guard let stream else { return false }
        do throws(TransportError) {
            try write(to: stream)
            try read(from: stream, loop)
        } catch {
            // What had arrived before it is given out first.
            end(.failed(error))
            return false
        }
        guard let closing else { return true }
        if !hasUnsent, !closing.hasFinishedWriting {
            stream.finishWriting()
            self.closing = Closing(deadline: now + Self.lingering, hasFinishedWriting: true)
        }
        let isOver = hasReadAll && !hasUnsent
        guard isOver || now >= deadline else { return true }
        end(.ended)
        return false
    }

    func loopEnds() { end(.ended) }

    private func end(_ ending: ControlInbox.Ending) {
        inbox.end(ending)
        stream = nil
        hasEnded.open()
    }

    private func write(to stream: any ByteStream) throws(TransportError) {
        if stream.hasUnsent { _ = try stream.write(UnsafeRawBufferPointer(start: nil, count: 0)) }
        while sentUpTo < unsent.count {
            let result = unsent.withUnsafeBytes { bytes in
                Result { () throws(TransportError) in
                    try stream.write(UnsafeRawBufferPointer(rebasing: bytes[sentUpTo...]))
                }
            }
            guard case .bytes(let count) = try result.get() else { return }
            sentUpTo += count
        }
    }

    private func read(from stream: any ByteStream, _ loop: StreamLoopTurn) throws(TransportError) {
        // A peer that sends without a pause must not keep the others waiting.
        var turns = 16
        while !hasReadAll, isReading {
            guard turns > 0 else { return loop.poke(self) }
            turns -= 1
            var result = ReadResult.wouldBlock
            var failure: TransportError?
            let bytes = [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
                do throws(TransportError) {
                    result = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
                if case .bytes(let received) = result { count = received }
            }
            if let failure { throw failure }
            switch result {
            case .bytes: if closing == nil { inbox.append(bytes) }
            case .wouldBlock: return
            case .ended:
                hasReadAll = true
                inbox.end(.ended)
            }
        }
    }
}
