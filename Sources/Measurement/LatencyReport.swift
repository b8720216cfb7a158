/// How long small messages took to the server and back, before payload moved and while it did.
public struct LatencyReport: Sendable, Hashable {
    /// Through the transport that is tested: DATAGRAM frames on the connection with the payload over QUIC, a connection
    /// beside those with the payload over TCP and TLS. nil over UDP, which has no connection.
    public var inside: LatencyComparison?
    /// Past the transport: UDP datagrams to the same port, answered by the thread that owns the server's socket.
    public var beside: LatencyComparison?

    public init(inside: LatencyComparison? = nil, beside: LatencyComparison? = nil) {
        self.inside = inside
        self.beside = beside
    }
}

/// One series of probes, idle and loaded. What compares the two is nil unless both have answers enough for it.
public struct LatencyComparison: Sendable, Hashable {
    /// Before payload moves.
    public var idle: ProbeSummary
    /// From the first payload byte (the end of the warm-up, where there is one) to the end of sending. Where payload moves
    /// in both directions, while it does in both.
    public var loaded: ProbeSummary

    public init(idle: ProbeSummary, loaded: ProbeSummary) {
        self.idle = idle
        self.loaded = loaded
    }

    /// What all comparisons are made with: the idle median, which one late probe of a few can't move.
    public var baseline: Duration? { idle.roundTrips?.median }

    /// By how much round trips under load are longer. Below zero when they are shorter.
    public var meanIncrease: Duration? { increase(loaded.roundTrips?.mean) }
    public var medianIncrease: Duration? { increase(loaded.roundTrips?.median) }
    public var percentile95Increase: Duration? { increase(loaded.roundTrips?.percentile95) }

    private func increase(_ figure: Duration?) -> Duration? {
        guard let baseline, let figure else { return nil }
        return figure - baseline
    }

    /// (mean round trip under load - baseline) / baseline: RFC 6349 §4.3.1, there in percent and of TCP's own round trips.
    public var bufferDelayRatio: Double? {
        guard let baseline, baseline > .zero, let meanIncrease else { return nil }
        return meanIncrease / baseline
    }

    /// How many round trips one after the other fit into a minute: 60 s divided by the mean of the loaded ones, without the
    /// longest twentieth. After draft-ietf-ippm-responsiveness, but of one kind of round trip, where the draft weighs those
    /// of TCP's, TLS's and HTTP's: not comparable with figures of its other implementations.
    public var roundTripsPerMinute: Double? {
        guard let mean = loaded.trimmedMean, mean > .zero else { return nil }
        return 60 / mean.seconds
    }
}

/// The probes of one phase. Each counts from the moment at which it was to be sent, however late it was.
public struct ProbeSummary: Sendable, Hashable {
    /// Between two probes, however long their answers take.
    public var interval: Duration
    public var sent: UInt64
    /// Those whose answer came, each counted once.
    public var answered: UInt64
    /// Of those that were answered.
    public var roundTrips: DelayDistribution?
    /// Their mean without the longest twentieth.
    public var trimmedMean: Duration?
    /// How much longer than the fastest probe's the way to the server took, and the way back (RFC 5481 §4.2). Differences
    /// only, because the two clocks need not agree.
    public var uploadVariation: DelayDistribution?
    public var downloadVariation: DelayDistribution?

    public init(interval: Duration, sent: UInt64 = 0, answered: UInt64 = 0) {
        self.interval = interval
        self.sent = sent
        self.answered = answered
    }

    /// Probes without an answer: their round trips are in no percentile.
    public var lost: UInt64 { sent - min(sent, answered) }
}

/// How a delay was distributed. A percentile is nil unless at least one value lies beyond it: 99 needs a hundred values.
public struct DelayDistribution: Sendable, Hashable {
    public var minimum: Duration
    public var mean: Duration
    public var median: Duration
    public var percentile90: Duration?
    public var percentile95: Duration?
    public var percentile99: Duration?
    public var percentile999: Duration?
    public var maximum: Duration

    public init(minimum: Duration, mean: Duration, median: Duration, maximum: Duration) {
        self.minimum = minimum
        self.mean = mean
        self.median = median
        self.maximum = maximum
    }
}
