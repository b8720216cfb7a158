/// What a receiver counted of sequence-numbered datagrams, in one interval or over a whole test.
public struct DatagramReport: Sendable, Hashable {
    /// Datagrams that arrived, each counted once.
    public var received: UInt64
    /// Sequence numbers that never came. One that comes late is taken back, so an interval's growth can be negative.
    public var lost: Int64
    /// Datagrams that had come before.
    public var duplicates: UInt64
    /// Datagrams that came after one with a higher sequence number.
    public var reordered: UInt64
    /// RFC 3550 section 6.4.1, the mean of the streams, at the end of the time covered; nil before the second datagram.
    public var jitter: Duration?
    /// The largest that the jitter has been.
    public var maxJitter: Duration?
    /// How much longer than the fastest datagram's the way took (RFC 5481 section 4.2): only differences, because the
    /// two clocks need not agree. nil where it wasn't measured.
    public var delayVariation: DelayVariation?
    /// What the kernel threw away at the receiver because its socket buffer was full, in the kernel's own unit: with
    /// receive offload a buffer may hold many datagrams. Part of `lost`, not in addition; nil where the kernel doesn't say.
    public var receiveBufferDrops: UInt64?

    public init(received: UInt64 = 0, lost: Int64 = 0, duplicates: UInt64 = 0, reordered: UInt64 = 0) {
        self.received = received
        self.lost = lost
        self.duplicates = duplicates
        self.reordered = reordered
    }

    /// The share of the datagrams sent that never came, 0 to 1; nil when there were none.
    public var lossRatio: Double? {
        let missing = UInt64(clamping: lost)
        let (total, overflow) = received.addingReportingOverflow(missing)
        guard !overflow, total > 0 else { return nil }
        return Double(missing) / Double(total)
    }
}

/// Percentiles of one-way delay variation.
public struct DelayVariation: Sendable, Hashable {
    public var median: Duration
    public var percentile95: Duration
    public var percentile99: Duration
    public var maximum: Duration

    public init(median: Duration, percentile95: Duration, percentile99: Duration, maximum: Duration) {
        self.median = median
        self.percentile95 = percentile95
        self.percentile99 = percentile99
        self.maximum = maximum
    }
}
