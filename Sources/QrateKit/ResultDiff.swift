import QrateOrchestration

/// Holds saved measurements of the same test against each other.
public enum ResultDiff {
    /// - Parameters:
    ///   - threshold: The share that `after` must differ by to count. nil for any difference beyond chance where both have
    ///     rounds, and for ``DiffReport/defaultThreshold`` where they haven't.
    /// - Throws: `usage` for a threshold that is none, `badInput` when the two are not the same test, with the fields in
    ///   which they differ.
    public static func report(
        _ before: SavedMeasurement, _ after: SavedMeasurement, threshold: Double? = nil
    ) throws(TestFailure) -> DiffReport {
        if let threshold, !DiffReport.thresholdLimits.contains(threshold) {
            throw TestFailure(.usage, "A threshold (--threshold) lies between 0% and 99%.")
        }
        return try SavedDifference.report(before, after, threshold: threshold)
    }
}
