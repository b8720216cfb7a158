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
    private var sum = Duration.zero

    /// An hour, the longest time that a connection may take. What exceeds it counts as an hour.
    private static let longest: UInt64 = 3600 * 1_000_000_000

    package init() {}

    package mutating func record(_ duration: Duration) {
        let isFirst = durations.totalCount == 0
        shortest = isFirst ? duration : min(shortest, duration)
        greatest = isFirst ? duration : max(greatest, duration)
        sum += duration
        durations.record(min(duration.nanoseconds, Self.longest))
    }

    /// nil for none.
    package var summary: LatencySummary? {
        guard count > 0 else { return nil }
        return LatencySummary(
            minimum: shortest, median: value(50), percentile90: value(90), percentile99: value(99), maximum: greatest)
    }

    package var count: UInt64 { durations.totalCount }

    /// nil for none.
    package var distribution: DelayDistribution? {
        guard count > 0 else { return nil }
        var result = DelayDistribution(
            minimum: shortest, mean: sum / Double(count), median: value(50), maximum: greatest)
        // One of so many lies beyond the percentile: with fewer it would be the maximum under another name.
        result.percentile90 = count >= 10 ? value(90) : nil
        result.percentile95 = count >= 20 ? value(95) : nil
        result.percentile99 = count >= 100 ? value(99) : nil
        result.percentile999 = count >= 1000 ? value(99.9) : nil
        return result
    }

    /// The mean of all but the longest twentieth, rounded down; nil for none.
    package var trimmedMean: Duration? {
        guard count > 0 else { return nil }
        let kept = count - count / 20
        var left = kept
        var nanoseconds = 0.0
        for step in durations.recordedValues() {
            let taken = min(UInt64(step.count), left)
            nanoseconds += Double(durations.medianEquivalentForValue(step.value)) * Double(taken)
            left -= taken
            if left == 0 { break }
        }
        return min(max(.nanoseconds(Int64(nanoseconds / Double(kept))), shortest), greatest)
    }

    /// The upper end of a bucket may lie beyond what was measured.
    private func value(_ percentile: Double) -> Duration {
        min(max(.nanoseconds(Int64(clamping: durations.valueAtPercentile(percentile))), shortest), greatest)
    }
}
