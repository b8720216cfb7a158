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

    @Test("a percentile is there once a value lies beyond it", arguments: [1, 9, 10, 19, 20, 99, 100, 999, 1000])
    func fewValues(count: Int) throws {
        var meter = LatencyMeter()
        for value in 1...count { meter.record(.milliseconds(value)) }
        let distribution = try #require(meter.distribution)
        #expect((distribution.percentile90 != nil) == (count >= 10))
        #expect((distribution.percentile95 != nil) == (count >= 20))
        #expect((distribution.percentile99 != nil) == (count >= 100))
        #expect((distribution.percentile999 != nil) == (count >= 1000))
        #expect(distribution.maximum == .milliseconds(count))
    }

    @Test("the mean is exact, and the trimmed one leaves the longest twentieth out")
    func means() throws {
        var meter = LatencyMeter()
        #expect(meter.trimmedMean == nil && meter.distribution == nil)
        for _ in 1...95 { meter.record(.milliseconds(10)) }
        for _ in 1...5 { meter.record(.seconds(1)) }
        #expect(meter.distribution?.mean == .microseconds(59_500))
        let trimmed = try #require(meter.trimmedMean)
        #expect(abs(trimmed.milliseconds - 10) < 0.01)
    }
}
