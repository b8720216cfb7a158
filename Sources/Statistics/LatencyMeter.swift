internal import Histogram
package import QrateMeasurement

/// Collects durations and tells their percentiles, to three digits, in memory that doesn't grow.
package struct LatencyMeter: Sendable {
    /// In nanoseconds.
    private var durations = Histogram<UInt64>(
        highestTrackableValue: Self.longest, numberOfSignificantValueDigits: .three)
    // To the nanosecond: a histogram's buckets have a width.
    private var shortest = Duration.zero
    private var greatest = Duration.zero

    /// An hour, the longest time that a connection may take. What exceeds it counts as an hour.
    private static let longest: UInt64 = 3600 * 1_000_000_000

    package init() {}

    package mutating func record(_ duration: Duration) {
        let isFirst = durations.totalCount == 0
        shortest = isFirst ? duration : min(shortest, duration)
        greatest = isFirst ? duration : max(greatest, duration)
        durations.record(min(duration.nanoseconds, Self.longest))
    }

    /// nil for none.
    package var summary: LatencySummary? {
        guard durations.totalCount > 0 else { return nil }
        // The upper end of a bucket may lie beyond what was measured.
        func value(_ percentile: Double) -> Duration {
            min(max(.nanoseconds(Int64(clamping: durations.valueAtPercentile(percentile))), shortest), greatest)
        }
        return LatencySummary(
            minimum: shortest, median: value(50), percentile90: value(90), percentile99: value(99), maximum: greatest)
    }
}
