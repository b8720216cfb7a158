import QrateMeasurement

extension ResultMessage.Extension {
    /// By how much the server's wall clock was set; nil when it isn't known, or when what it says can't be: more than from
    /// 1970 to today, either way.
    package var clockStep: Duration? {
        guard let milliseconds = clockStepMilliseconds, abs(milliseconds) < Self.largestStep else { return nil }
        return .nanoseconds(Int64(milliseconds * 1e6))
    }

    /// 100 years; in nanoseconds that fits.
    private static let largestStep = 100 * 366 * 86_400e3
}
