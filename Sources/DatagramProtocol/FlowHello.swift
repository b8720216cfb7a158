/// How a flow finds its test on a server's shared port: a client's first datagram, and the server's answer to it.
///
///     0  4  00 58 46 52 (NUL, "XFR")
///     4  1  version 1
///     5  1  kind: 1 hello, 2 ack
///     6  2  stream index, big-endian, from 0
///     8 16  the token of `test_ack`
package struct FlowHello: Sendable, Hashable {
    package var kind: Kind
    /// 0 for stream 1.
    package var flow: UInt16
    package var token: FlowToken

    package enum Kind: UInt8, Sendable, Hashable {
        case hello = 1
        case ack = 2
    }

    package static let byteCount = 24
    private static let magic: [UInt8] = [0x00, 0x58, 0x46, 0x52]

    package init(_ kind: Kind, flow: UInt16, token: FlowToken) {
        self.kind = kind
        self.flow = flow
        self.token = token
    }

    /// Whether it looks like one, right or wrong: then it is no payload.
    package static func isLike(_ datagram: UnsafeRawBufferPointer) -> Bool {
        datagram.count == byteCount && datagram.prefix(magic.count).elementsEqual(magic)
    }

    /// nil for everything else.
    package init?(_ datagram: UnsafeRawBufferPointer) {
        guard Self.isLike(datagram) else { return nil }
        var fields = FieldReader(datagram)
        guard fields.bytes(4) == Self.magic, fields.number(UInt8.self) == 1,
            let kind = fields.number(UInt8.self).flatMap(Kind.init(rawValue:)), let flow = fields.number(UInt16.self),
            let bytes = fields.bytes(16), let token = FlowToken(bytes)
        else { return nil }
        self.init(kind, flow: flow, token: token)
    }

    package var encoded: [UInt8] {
        var bytes = Self.magic + [1, kind.rawValue]
        bytes.append(bigEndian: flow)
        return bytes + token.bytes
    }
}

/// What a test's flows show to be told from strangers: 16 random bytes, 32 hexadecimal digits in `test_ack`.
package struct FlowToken: Sendable, Hashable {
    package let bytes: [UInt8]

    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    package init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            let half = UInt8(truncatingIfNeeded: value)
            if let first = high {
                bytes.append(first << 4 | half)
                high = nil
            } else {
                high = half
            }
        }
        self.bytes = bytes
    }

    package static func random() -> FlowToken {
        var generator = SystemRandomNumberGenerator()
        return FlowToken(random: &generator)
    }

    private init(random generator: inout SystemRandomNumberGenerator) {
        bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    package var hexadecimal: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
