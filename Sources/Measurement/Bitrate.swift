/// Bits per second, with decimal prefixes: 1 Mbit/s is 10^6 bit/s.
public struct Bitrate: Hashable, Sendable {
    public var bitsPerSecond: UInt64

    public init(bitsPerSecond: UInt64) { self.bitsPerSecond = bitsPerSecond }

    /// The mean rate of `count` over `duration`, or nil when no time passed: there is no rate then.
    public init?(_ count: ByteCount, over duration: Duration) {
        let seconds = duration.seconds
        guard seconds > 0 else { return nil }
        let rate = Double(count.bytes) * 8 / seconds
        guard rate < Double(UInt64.max) else { return nil }
        bitsPerSecond = UInt64(rate.rounded())
    }
}

extension Bitrate: Comparable {
    public static func < (left: Bitrate, right: Bitrate) -> Bool { left.bitsPerSecond < right.bitsPerSecond }
}

extension Bitrate: CustomStringConvertible {
    /// Three significant digits and a decimal prefix, as in `935 Mbit/s` or `16.1 Gbit/s`.
    public var description: String {
        DecimalPrefix.format(Double(bitsPerSecond), unit: "bit/s")
    }
}
