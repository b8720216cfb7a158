/// When a direction's rate had risen to its plateau, and how steady it was there. From the receiver's counts.
public struct SteadyState: Sendable, Hashable {
    /// From the receiver's first payload byte, so with the warm-up in it, until the rate is at 90 % of ``plateau``.
    public var timeTo90Percent: Duration
    /// The mean over the second half of the measured window.
    public var plateau: Bitrate
    /// How far the rates of single slices are from that: their standard deviation in the same half.
    public var deviation: Bitrate
    /// The length of a slice: 100 ms, or more where those would hold too little.
    public var slice: Duration
    /// Present when the rate went to and fro between two levels.
    public var twoRates: TwoRates?

    public init(
        timeTo90Percent: Duration, plateau: Bitrate, deviation: Bitrate, slice: Duration, twoRates: TwoRates? = nil
    ) {
        self.timeTo90Percent = timeTo90Percent
        self.plateau = plateau
        self.deviation = deviation
        self.slice = slice
        self.twoRates = twoRates
    }
}

/// Two levels of a rate, with a gap between them.
public struct TwoRates: Sendable, Hashable {
    /// The means of the two groups.
    public var low: Bitrate
    public var high: Bitrate
    /// The share of the time at the lower level, 0 to 1.
    public var lowShare: Double

    public init(low: Bitrate, high: Bitrate, lowShare: Double) {
        self.low = low
        self.high = high
        self.lowShare = lowShare
    }
}
