/// A stream of a test, on every transport: 0 is control, 1...N are data.
///
/// Not a QUIC stream ID (RFC 9000 §2.1), and one more than the index that the control protocol writes for data.
public struct StreamIndex: Hashable, Comparable, Sendable {
    public var value: Int

    public init(_ value: Int) { self.value = value }

    public static let control = StreamIndex(0)

    public static func < (left: StreamIndex, right: StreamIndex) -> Bool { left.value < right.value }
}
