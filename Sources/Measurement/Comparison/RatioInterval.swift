/// Where a ratio lies, with 95 % confidence.
public struct RatioInterval: Sendable, Hashable {
    public var lower: Double
    public var upper: Double

    public init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }

    /// Whether no difference is among what it may be.
    public var containsOne: Bool { lower <= 1 && 1 <= upper }
}
