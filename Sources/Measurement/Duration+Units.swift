extension Duration {
    /// This duration in seconds. Exact to far below a nanosecond for every test length that we allow.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

    public var milliseconds: Double { seconds * 1e3 }

    /// As somebody writes a length that they chose, without needless zeros: `10 s`, `0.5 s`.
    package var secondsWithoutZeros: String {
        var text = fixedPoint(seconds, decimals: 3)
        while text.contains("."), text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text + " s"
    }

    /// Whole nanoseconds; negative durations are 0, and what doesn't fit saturates.
    public var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (scaled, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return .max }
        let (sum, carry) = scaled.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return carry ? .max : sum
    }

    /// A duration from milliseconds that came from outside: nil unless it is finite, not negative and under a year.
    public init?(checkedMilliseconds value: Double) {
        guard value.isFinite, value >= 0, value < 366 * 86_400_000 else { return nil }
        self = .nanoseconds(Int64((value * 1e6).rounded()))
    }
}
