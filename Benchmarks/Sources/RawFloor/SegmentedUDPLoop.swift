import Glibc

/// Segmented UDP over loopback: one thread sends with `UDP_SEGMENT`, another receives with `UDP_GRO`, nobody looks at
/// the bytes.
///
/// On loopback such a buffer is never cut into datagrams, so this is the least that the kernel can cost a QUIC stack
/// that uses both. There is no back-pressure: what the receiver's buffer can't hold is lost, and each end's cost is
/// counted over its own bytes.
struct SegmentedUDPLoop {
    struct Costs: Sendable, Encodable {
        let send: LoopCost
        let receive: LoopCost
    }

    // From linux/udp.h; the C library's header offers them to GNU code only, so Swift doesn't see them.
    private static let udpSegment: CInt = 103
    private static let udpGRO: CInt = 104
    /// The most segments that kernels up to 6.8 take in one call.
    private static let mostSegments = 64
    private static let bufferBytes: CInt = 8 << 20
    /// How long nothing must have come before the receiver believes that the sender is done.
    private static let silence = timeval(tv_sec: 0, tv_usec: 200_000)

    private let packet: Packet

    init(_ packet: Packet) { self.packet = packet }

    func run(for seconds: Double) throws(FloorError) -> Costs {
        let receiver = try UDPSocket.onLoopback()
        let sender = try UDPSocket.onLoopback()
        try sender.connect(to: receiver)
        try sender.set(CInt(IPPROTO_UDP), Self.udpSegment, CInt(packet.bytes), "UDP_SEGMENT")
        try receiver.set(CInt(IPPROTO_UDP), Self.udpGRO, 1 as CInt, "UDP_GRO")
        try receiver.set(SOL_SOCKET, SO_RCVTIMEO, Self.silence, "SO_RCVTIMEO")
        sender.enlargeBuffers(to: Self.bufferBytes)
        receiver.enlargeBuffers(to: Self.bufferBytes)

        let packet = packet
        let receiving = try RunningLoop.start { () throws(FloorError) in try Self.receive(packet, from: receiver) }
        // Not thrown at once, because the receiver has to be joined either way.
        let sent = Result { () throws(FloorError) in try Self.send(packet, over: sender, for: seconds) }
        let received = try receiving.join()
        return Costs(send: try sent.get(), receive: received)
    }

    private static func send(
        _ packet: Packet, over socket: UDPSocket, for seconds: Double
    ) throws(FloorError) -> LoopCost {
        let segments = min(mostSegments, Packet.largest / packet.bytes)
        let burst = [UInt8](repeating: 0x71, count: segments * packet.bytes)
        let stopwatch = ThreadStopwatch()
        var packets: UInt64 = 0
        repeat {
            guard Glibc.send(socket.descriptor, burst, burst.count, 0) == burst.count else {
                throw .system("sending \(burst.count) bytes in segments of \(packet.bytes)", errno: errno)
            }
            packets += UInt64(segments)
        } while stopwatch.elapsedSeconds < seconds
        return stopwatch.cost(ofPayload: packets * UInt64(packet.payloadBytes))
    }

    /// Ends after ``silence``, whose idle time is in no figure.
    private static func receive(_ packet: Packet, from socket: UDPSocket) throws(FloorError) -> LoopCost {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let stopwatch = ThreadStopwatch()
        var packets: UInt64 = 0
        var lastArrival = 0.0
        while true {
            let count = recv(socket.descriptor, &buffer, buffer.count, 0)
            if count < 0 {
                let code = errno
                guard code == EAGAIN else { throw .system("receiving", errno: code) }
                return stopwatch.cost(ofPayload: packets * UInt64(packet.payloadBytes), ending: lastArrival)
            }
            packets += UInt64(count / packet.bytes)
            lastArrival = stopwatch.elapsedSeconds
        }
    }
}
