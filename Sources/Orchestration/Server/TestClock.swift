import QrateMeasurement

/// The time of a test at the server: from the acknowledgement on, without pauses.
struct TestClock: Sendable {
    let startedAt: MonotonicTime
    private var pausedAt: MonotonicTime?
    private var paused = Duration.zero

    init(startedAt: MonotonicTime) { self.startedAt = startedAt }

    var isPaused: Bool { pausedAt != nil }

    func elapsed(_ now: MonotonicTime) -> Duration {
        max(.zero, (pausedAt ?? now) - startedAt - paused)
    }

    mutating func setPaused(_ isPaused: Bool, at now: MonotonicTime) {
        if let pausedAt, !isPaused {
            paused += now - pausedAt
            self.pausedAt = nil
        } else if pausedAt == nil, isPaused {
            pausedAt = now
        }
    }

    /// Until a whole number of `interval` has passed since the test began; what was missed is skipped.
    func untilNextTick(every interval: Duration, _ now: MonotonicTime) -> Duration {
        let passed = (now - startedAt).nanoseconds % interval.nanoseconds
        let rest = interval - .nanoseconds(Int64(passed))
        // A timer that came a hair early isn't to ring again for the same tick.
        return rest < Tunables.tickSlack ? rest + interval : rest
    }
}
