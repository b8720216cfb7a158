/// A number of bytes. What they are the bytes of (payload, datagram, buffer) is said by the name that holds it.
public struct ByteCount: Hashable, Sendable {
    public var bytes: UInt64

    public init(_ bytes: UInt64) { self.bytes = bytes }

    public static let zero = ByteCount(0)
}

extension ByteCount: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) { bytes = value }
}

extension ByteCount: Comparable {
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

/// Sums saturate: a count that a peer sent may be anything, and a report must not trap on it.
extension ByteCount {
    public static func + (left: ByteCount, right: ByteCount) -> ByteCount {
        let (sum, overflow) = left.bytes.addingReportingOverflow(right.bytes)
        return ByteCount(overflow ? .max : sum)
    }

    public static func - (left: ByteCount, right: ByteCount) -> ByteCount {
        ByteCount(left.bytes >= right.bytes ? left.bytes - right.bytes : 0)
    }

    public static func += (left: inout ByteCount, right: ByteCount) { left = left + right }
}

extension ByteCount: CustomStringConvertible {
    /// Decimal: `97.4 MB`, `1.15 GB`.
    public var description: String { DecimalPrefix.format(Double(bytes), unit: "B") }
}
