/// What a receiving server tells its sender on the flow itself, while it still receives: for display, not for the result.
///
///      0  4  "XFRF"
///      4  1  version 1
///      5  1  kind 1
///      6  2  flags 0
///      8  2  stream index, big-endian, from 0
///     10  2  reserved 0
///     12  8  milliseconds since the receiver began
///     20  8  datagrams received so far
///     28  8  datagrams lost so far
package struct FlowFeedback: Sendable, Hashable {
    package var flow: UInt16
    package var elapsedMilliseconds: UInt64
    package var received: UInt64
    package var lost: UInt64

    package static let byteCount = 36
    private static let magic = Array("XFRF".utf8)

    package init(flow: UInt16, elapsedMilliseconds: UInt64, received: UInt64, lost: UInt64) {
        self.flow = flow
        self.elapsedMilliseconds = elapsedMilliseconds
        self.received = received
        self.lost = lost
    }

    /// nil for everything else.
    package init?(_ datagram: UnsafeRawBufferPointer) {
        guard datagram.count == Self.byteCount else { return nil }
        var fields = FieldReader(datagram)
        guard fields.bytes(4) == Self.magic, fields.number(UInt8.self) == 1, fields.number(UInt8.self) == 1,
            fields.number(UInt16.self) != nil, let flow = fields.number(UInt16.self), fields.number(UInt16.self) != nil,
            let elapsed = fields.number(UInt64.self), let received = fields.number(UInt64.self),
            let lost = fields.number(UInt64.self)
        else { return nil }
        self.init(flow: flow, elapsedMilliseconds: elapsed, received: received, lost: lost)
    }

    package var encoded: [UInt8] {
        var bytes = Self.magic + [1, 1, 0, 0]
        bytes.append(bigEndian: flow)
        bytes += [0, 0]
        for number in [elapsedMilliseconds, received, lost] { bytes.append(bigEndian: number) }
        return bytes
    }
}
