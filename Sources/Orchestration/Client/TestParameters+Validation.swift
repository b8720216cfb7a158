package import QrateMeasurement

extension TestParameters {
    /// Why no server could run this test, or nil.
    package var usageFailure: TestFailure? {
        (courseFailure ?? settings.misplaced(on: transport) ?? sizeFailure).map { TestFailure(.usage, $0) }
    }

    /// What is wrong with the test's course, whatever moves the payload.
    private var courseFailure: String? {
        if !Self.streamLimits.contains(streams) {
            return "\(streams) streams (-P): a test has \(Self.streamLimits.lowerBound) to "
                + "\(Self.streamLimits.upperBound)."
        }
        if let duration = limit.duration, duration < .milliseconds(1) {
            return "A duration (-t) of \(duration) is too short to measure anything."
        }
        if limit.byteBudget == .zero { return "A byte budget (-n) of 0 leaves nothing to send." }
        if warmUp < .zero { return "The warm-up (--omit) cannot be negative." }
        if interval < Self.shortestInterval {
            return "An interval (-i) of \(interval) is shorter than the limit of \(Self.shortestInterval)."
        }
        return nil
    }
}
