/// A small message that is answered at once, and its answer, which is as long: as a UDP datagram, in a QUIC datagram, and on a
/// stream, where one follows the other.
///
///      0  4  00 51 52 4c (NUL, "QRL")
///      4  1  version 1
///      5  1  kind: 1 probe, 2 answer
///      6  2  reserved 0
///      8 16  the token of `test_ack`
///     24  8  the probe's number, big-endian: the client's, sent back as it came
///     32  8  in an answer: when the probe came, nanoseconds on the server's clock, whose origin means nothing; else 0
///
/// Its first byte keeps it apart from QUIC, its length from the other datagrams on the port. In front of QUIC datagrams'
/// payload it would be number 2^54 and more.
package struct LatencyProbe: Sendable, Hashable {
    package var kind: Kind
    package var token: FlowToken
    package var sequence: UInt64
    package var receivedAt: UInt64

    package enum Kind: UInt8, Sendable, Hashable {
        case probe = 1
        case answer = 2
    }

    package static let byteCount = 40
    private static let magic: [UInt8] = [0x00, 0x51, 0x52, 0x4c]

    package init(token: FlowToken, sequence: UInt64) {
        kind = .probe
        self.token = token
        self.sequence = sequence
        receivedAt = 0
    }

    /// The answer to it.
    package func answered(at receivedAt: UInt64) -> LatencyProbe {
        var answer = self
        answer.kind = .answer
        answer.receivedAt = receivedAt
        return answer
    }

    /// Whether it looks like one, right or wrong: then it is nothing else. Cheap enough for every datagram.
    @inlinable
    package static func isLike(_ datagram: UnsafeRawBufferPointer) -> Bool {
        datagram.count == 40 && UInt32(bigEndian: datagram.loadUnaligned(as: UInt32.self)) == 0x0051_524c
    }

    /// nil for everything else.
    package init?(_ datagram: UnsafeRawBufferPointer) {
        guard Self.isLike(datagram) else { return nil }
        var fields = FieldReader(datagram)
        guard fields.bytes(4) == Self.magic, fields.number(UInt8.self) == 1,
            let kind = fields.number(UInt8.self).flatMap(Kind.init(rawValue:)), fields.number(UInt16.self) != nil,
            let token = fields.bytes(16).flatMap(FlowToken.init), let sequence = fields.number(UInt64.self),
            let receivedAt = fields.number(UInt64.self)
        else { return nil }
        self.kind = kind
        self.token = token
        self.sequence = sequence
        self.receivedAt = receivedAt
    }

    package var encoded: [UInt8] {
        var bytes = Self.magic + [1, kind.rawValue, 0, 0] + token.bytes
        bytes.append(bigEndian: sequence)
        bytes.append(bigEndian: receivedAt)
        return bytes
    }
}
