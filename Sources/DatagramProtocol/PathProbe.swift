/// One try of a path MTU search, its receipt, or the same size sent back.
///
///      0  4  "XFRP"
///      4  1  version 1
///      5  1  kind: 1 probe, 2 ack, 3 echo
///      6  2  flags 0
///      8  4  sequence, big-endian
///     12  2  the probe's whole UDP payload in bytes
///     14  2  reserved 0
///
/// Probe and echo are filled up to that size; an ack is these 16 bytes.
package struct PathProbe: Sendable, Hashable {
    package var kind: Kind
    package var sequence: UInt32
    /// The probe's UDP payload in bytes.
    package var size: UInt16

    package enum Kind: UInt8, Sendable, Hashable {
        case probe = 1
        case ack = 2
        case echo = 3
    }

    package static let headerByteCount = 16
    private static let magic = Array("XFRP".utf8)

    package init(_ kind: Kind, sequence: UInt32, size: UInt16) {
        self.kind = kind
        self.sequence = sequence
        self.size = size
    }

    /// nil for everything else, and for a probe or an echo that says it is longer than it is.
    package init?(_ datagram: UnsafeRawBufferPointer) {
        var fields = FieldReader(datagram)
        guard fields.bytes(4) == Self.magic, fields.number(UInt8.self) == 1,
            let kind = fields.number(UInt8.self).flatMap(Kind.init(rawValue:)), fields.number(UInt16.self) != nil,
            let sequence = fields.number(UInt32.self), let size = fields.number(UInt16.self),
            fields.number(UInt16.self) != nil
        else { return nil }
        if kind != .ack, Int(size) < Self.headerByteCount || Int(size) > datagram.count { return nil }
        self.init(kind, sequence: sequence, size: size)
    }

    /// With its filler.
    package var encoded: [UInt8] {
        var bytes = Self.magic + [1, kind.rawValue, 0, 0]
        bytes.append(bigEndian: sequence)
        bytes.append(bigEndian: size)
        bytes += [0, 0]
        if kind != .ack { bytes += [UInt8](repeating: 0, count: max(0, Int(size) - bytes.count)) }
        return bytes
    }
}
