/// The end of a flow towards another qrate: how many datagrams were sent, so that losses at the end count too.
///
///     0  4  00 51 52 54 (NUL, "QRT")
///     4  1  version 1
///     5  1  kind 1
///     6  2  stream index, big-endian, from 0
///     8  8  datagrams of payload that were sent, big-endian
///
/// Sent several times, because it may be lost as well. As payload it would be number 2^54 and more; its first byte keeps it
/// apart from QUIC, its length from hellos and feedback.
package struct TailMarker: Sendable, Hashable {
    /// 0 for stream 1.
    package var flow: UInt16
    package var sent: UInt64

    package static let byteCount = 16
    private static let magic: [UInt8] = [0x00, 0x51, 0x52, 0x54]

    package init(flow: UInt16, sent: UInt64) {
        self.flow = flow
        self.sent = sent
    }

    /// nil for everything else.
    package init?(_ datagram: UnsafeRawBufferPointer) {
        guard datagram.count == Self.byteCount else { return nil }
        var fields = FieldReader(datagram)
        guard fields.bytes(4) == Self.magic, fields.number(UInt8.self) == 1, fields.number(UInt8.self) == 1,
            let flow = fields.number(UInt16.self), let sent = fields.number(UInt64.self)
        else { return nil }
        self.init(flow: flow, sent: sent)
    }

    package var encoded: [UInt8] {
        var bytes = Self.magic + [1, 1]
        bytes.append(bigEndian: flow)
        bytes.append(bigEndian: sent)
        return bytes
    }
}
