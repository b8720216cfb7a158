import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets

/// A server's end of a connection that carries latency probes: on the thread of the control connections, past which payload
/// goes.
final class StreamEcho: StreamLoopMember {
    private var messages: ProbeStream
    private let token: FlowToken
    private let door: EchoDoor
    private(set) var deadline: MonotonicTime

    /// How long a connection may outlive its test.
    private static let patience = Duration.seconds(1)

    /// - Parameter received: What came behind the first line.
    init(_ stream: any ByteStream, received: [UInt8], _ token: FlowToken, _ door: EchoDoor) {
        messages = ProbeStream(stream, received: received)
        self.token = token
        self.door = door
        deadline = MonotonicClock.now() + Self.patience
        stream.socket.sendAtOnce()
    }

    var descriptor: Int32 { messages.stream.socket.descriptor }
    /// A client that doesn't read gets no further answers.
    var interest: SocketPoll.Ready { messages.hasUnsent ? .writable : .readable }

    func turn(_ ready: SocketPoll.Ready, _ loop: StreamLoopTurn, now: MonotonicTime) -> Bool {
        if now >= deadline { deadline = now + Self.patience }
        guard door.isOpen(token) else { return false }
        messages.flush()
        guard !messages.hasUnsent else { return !messages.isGone }
        var answers: [UInt8] = []
        var isForeign = false
        let mayGoOn = messages.receive { message in
            guard LatencyProbe.isLike(message) else {
                isForeign = true
                return
            }
            answers += door.answer(message, at: MonotonicClock.now()) ?? []
        }
        messages.send(answers)
        if mayGoOn { loop.poke(self) }
        return !isForeign && !messages.isGone
    }

    func loopEnds() {}
}
