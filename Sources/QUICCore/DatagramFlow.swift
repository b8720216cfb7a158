internal import QrateDatagramProtocol
internal import QrateMeasurement

/// What a connection that sends payload in datagrams (RFC 9221) needs beside ``BulkSender``: the datagram that goes out
/// next, and the tail marker that ends the flow on its stream.
struct DatagramFlow: ~Copyable {
    /// Header and filler. The library copies it into the packet, so one is enough.
    private let datagram: UnsafeMutableRawBufferPointer
    /// ngtcp2 keeps pointers into it until it is acknowledged: as long as the connection, then.
    private let tail: UnsafeMutableRawBufferPointer
    /// The flow's place among the test's flows, from 0.
    private let flow: UInt16
    /// The payload per datagram that was asked for, header included; nil for what fits.
    private let unit: Int?
    /// Monotonic nanoseconds: where the timestamps count from.
    private let start: UInt64
    /// How many datagrams were sent.
    private(set) var sent: UInt64 = 0
    private(set) var tailSent = 0

    static let smallest = DataHeader.byteCount

    init(flow: Int, unit: Int?, content: PayloadContent, now: UInt64) {
        datagram = .allocate(byteCount: PayloadPattern.period, alignment: 8)
        datagram.copyMemory(
            from: UnsafeRawBufferPointer(start: PayloadPattern.block(of: content), count: datagram.count))
        tail = .allocate(byteCount: TailMarker.byteCount, alignment: 8)
        self.flow = UInt16(clamping: flow)
        self.unit = unit
        start = now
    }

    deinit {
        datagram.deallocate()
        tail.deallocate()
    }

    /// The payload of the next datagram: as large as was asked for, if that fits.
    func size(fitting room: Int) -> Int { max(Self.smallest, min(unit ?? room, room, datagram.count)) }

    /// The next datagram of this size.
    func next(_ size: Int, now: UInt64) -> UnsafeMutablePointer<UInt8>? {
        DataHeader(sequence: sent, timestamp: (now &- start) / 1000).write(to: datagram)
        return datagram.baseAddress?.assumingMemoryBound(to: UInt8.self)
    }

    mutating func took() { sent += 1 }

    /// What is still to be written of the tail marker.
    mutating func restOfTail() -> UnsafeMutableBufferPointer<UInt8> {
        if tailSent == 0 { tail.copyBytes(from: TailMarker(flow: flow, sent: sent).encoded) }
        let rest = UnsafeMutableRawBufferPointer(rebasing: tail[min(tailSent, tail.count)...])
        return rest.bindMemory(to: UInt8.self)
    }

    /// - Returns: Whether that was all of it.
    mutating func tookTail(_ count: Int) -> Bool {
        tailSent += count
        return tailSent >= tail.count
    }
}
