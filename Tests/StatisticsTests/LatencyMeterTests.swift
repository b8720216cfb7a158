import QrateMeasurement
import QrateStatistics
import Testing

@Suite("latencies") struct LatencyMeterTests {
    @Test("of none there is nothing to say")
    func none() { #expect(LatencyMeter().summary == nil) }

    @Test("of one, every percentile is that one, to the nanosecond")
    func one() throws {
        var meter = LatencyMeter()
        meter.record(.nanoseconds(123_456_789))
        let value = Duration.nanoseconds(123_456_789)
        #expect(
            meter.summary
                == LatencySummary(
                    minimum: value, median: value, percentile90: value, percentile99: value, maximum: value))
    }

    @Test("percentiles are good to a thousandth, the ends are exact")
    func percentiles() throws {
        var meter = LatencyMeter()
        for value in (1...1000).reversed() { meter.record(.microseconds(value)) }
        let summary = try #require(meter.summary)
        #expect(summary.minimum == .microseconds(1))
        #expect(summary.maximum == .microseconds(1000))
        for (value, expected) in [(summary.median, 500.0), (summary.percentile90, 900), (summary.percentile99, 990)] {
            #expect(abs(value.seconds * 1e6 - expected) <= expected / 1000)
        }
    }

    @Test("what takes longer than an hour is the longest, and doesn't end the process")
    func endless() throws {
        var meter = LatencyMeter()
        meter.record(.seconds(100_000))
        #expect(meter.summary?.maximum == .seconds(100_000))
    }
}
