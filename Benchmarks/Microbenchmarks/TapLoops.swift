import QrateQUICCore

/// What looking at each packet costs: a sender's full packets with the ACK frames that come for them, and a receiver's.
enum TapLoops {
    static func all() -> [any Benchmark] {
        let senders = [1, 4, 30].map { ranges in
            let loop = TapLoop(ranges: ranges)
            return Loop(name: "tap/send/\(ranges)-ack-ranges", operation: "packet", operations: TapLoop.packetsPerACK) {
                loop.sendAndAcknowledge()
            }
        }
        let receiver = TapLoop(ranges: 1)
        return senders + [Loop(name: "tap/receive", operation: "packet") { receiver.receive() }]
    }
}

/// Everything behind pointers, as in a connection: no exclusivity check is measured.
private final class TapLoop {
    static let packetsPerACK = 20

    private let tap = UnsafeMutablePointer<PacketTap>.allocate(capacity: 1)
    /// How many packets were sent.
    private let sent = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    private let header: UnsafeMutableBufferPointer<UInt8>
    /// One STREAM frame with an offset of eight bytes, as many as fit into 1444 bytes.
    private let packet: UnsafeMutableBufferPointer<UInt8>
    /// ACK_ECN: the newest packets, then ranges of nine with one missing between them.
    private let acknowledgement: UnsafeMutableBufferPointer<UInt8>

    init(ranges: Int) {
        tap.initialize(to: PacketTap())
        sent.initialize(to: 0)
        header = Self.buffer([UInt8](repeating: 0x43, count: 13))
        let data = [UInt8](repeating: 7, count: 0x570)
        packet = Self.buffer([0x0e, 0x02] + Self.zero + [0x45, 0x70] + data)
        let others = [[UInt8]](repeating: [0, 8], count: ranges - 1).joined()
        acknowledgement = Self.buffer(
            [0x03] + Self.zero + [0x0a, UInt8(ranges - 1), UInt8(Self.packetsPerACK - 1)] + others + Self.zero + [0, 0])
        // So that the oldest range is one.
        for _ in 0..<500 { send() }
    }

    deinit {
        tap.deinitialize(count: 1)
        tap.deallocate()
        sent.deallocate()
        for buffer in [header, packet, acknowledgement] { buffer.deallocate() }
    }

    /// RFC 9000 §16, in eight bytes.
    private static let zero: [UInt8] = [0xc0, 0, 0, 0, 0, 0, 0, 0]

    private static func buffer(_ bytes: [UInt8]) -> UnsafeMutableBufferPointer<UInt8> {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = buffer.initialize(fromContentsOf: bytes)
        return buffer
    }

    private func put(_ value: UInt64, into buffer: UnsafeMutableBufferPointer<UInt8>, at place: Int) {
        UnsafeMutableRawBufferPointer(buffer).storeBytes(
            of: (value | 3 << 62).bigEndian, toByteOffset: place, as: UInt64.self)
    }

    private func send() {
        guard let text = packet.baseAddress, let start = header.baseAddress else { return }
        let number = sent.pointee
        put(number &* 0x570, into: packet, at: 2)
        header[12] = UInt8(truncatingIfNeeded: number)
        tap.pointee.willSeal(text, count: packet.count, header: start, headerCount: header.count)
        tap.pointee.marked(from: number)
        sent.pointee = number &+ 1
    }

    func sendAndAcknowledge() {
        for _ in 0..<Self.packetsPerACK { send() }
        put(sent.pointee &- 1, into: acknowledgement, at: 1)
        put(sent.pointee, into: acknowledgement, at: acknowledgement.count - 10)
        guard let text = acknowledgement.baseAddress else { return }
        tap.pointee.didOpen(text, count: acknowledgement.count)
    }

    func receive() {
        guard let text = packet.baseAddress else { return }
        tap.pointee.didOpen(text, count: packet.count)
    }
}
