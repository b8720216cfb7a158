import QrateMeasurement

/// What latency probes measured. A series that there was none of has no key.
struct LatencyReportDocument: Encodable {
    var inside: LatencyComparisonDocument?
    var beside: LatencyComparisonDocument?

    init(_ report: LatencyReport) {
        inside = report.inside.map(LatencyComparisonDocument.init)
        beside = report.beside.map(LatencyComparisonDocument.init)
    }
}

struct LatencyComparisonDocument: Encodable {
    var idle: ProbesDocument
    var loaded: ProbesDocument
    var increase: Increase?
    var bufferDelayPercent: Double?
    var roundTripsPerMinute: Double?

    /// Of loaded round trips over the idle median, in microseconds; below zero when they were shorter.
    struct Increase: Encodable {
        var mean: Double
        var p50: Double
        var p95: Double?
    }

    enum CodingKeys: String, CodingKey {
        case idle, loaded
        case increase = "increase_us"
        case bufferDelayPercent = "buffer_delay_percent"
        case roundTripsPerMinute = "responsiveness_variant_rpm"
    }

    init(_ comparison: LatencyComparison) {
        idle = ProbesDocument(comparison.idle)
        loaded = ProbesDocument(comparison.loaded)
        if let mean = comparison.meanIncrease, let median = comparison.medianIncrease {
            increase = Increase(
                mean: Self.signed(mean), p50: Self.signed(median),
                p95: comparison.percentile95Increase.map(Self.signed))
        }
        bufferDelayPercent = comparison.bufferDelayRatio.map { Self.rounded($0 * 100) }
        roundTripsPerMinute = comparison.roundTripsPerMinute.map(Self.rounded)
    }

    private static func signed(_ duration: Duration) -> Double {
        duration < .zero ? -(.zero - duration).jsonMicroseconds : duration.jsonMicroseconds
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

/// One phase's probes.
struct ProbesDocument: Encodable {
    var intervalMilliseconds: Double
    var sent: UInt64
    var answered: UInt64
    var lost: UInt64
    var roundTrip: DistributionDocument?
    var uploadVariation: DistributionDocument?
    var downloadVariation: DistributionDocument?

    enum CodingKeys: String, CodingKey {
        case sent, answered, lost
        case intervalMilliseconds = "interval_ms"
        case roundTrip = "round_trip_us"
        case uploadVariation = "upload_variation_us"
        case downloadVariation = "download_variation_us"
    }

    init(_ probes: ProbeSummary) {
        intervalMilliseconds = probes.interval.jsonMilliseconds
        sent = probes.sent
        answered = probes.answered
        lost = probes.lost
        roundTrip = probes.roundTrips.map(DistributionDocument.init)
        uploadVariation = probes.uploadVariation.map(DistributionDocument.init)
        downloadVariation = probes.downloadVariation.map(DistributionDocument.init)
    }
}

/// Microseconds. A percentile that too few values lie beyond has no key.
struct DistributionDocument: Encodable {
    var min: Double
    var mean: Double
    var p50: Double
    var p90: Double?
    var p95: Double?
    var p99: Double?
    var p999: Double?
    var max: Double

    enum CodingKeys: String, CodingKey {
        case min, mean, p50, p90, p95, p99, max
        case p999 = "p99_9"
    }

    init(_ distribution: DelayDistribution) {
        min = distribution.minimum.jsonMicroseconds
        mean = distribution.mean.jsonMicroseconds
        p50 = distribution.median.jsonMicroseconds
        p90 = distribution.percentile90?.jsonMicroseconds
        p95 = distribution.percentile95?.jsonMicroseconds
        p99 = distribution.percentile99?.jsonMicroseconds
        p999 = distribution.percentile999?.jsonMicroseconds
        max = distribution.maximum.jsonMicroseconds
    }
}
