import FoundationEssentials

/// The clock that people and programs set.
enum WallClock {
    /// How far it is ahead of the monotonic clock, which nobody sets. Both are slewed alike, so this changes only when the
    /// wall clock is set (clock_settime(2), a leap second), or when the host slept: the monotonic clock doesn't count that.
    static func offset() -> Duration {
        // Between two readings a thread can lose the processor: the closest of a few is taken.
        let readings = (0..<3).map { _ in
            let before = monotonic, wall = Date().timeIntervalSince1970, after = monotonic
            return (offset: .seconds(wall) - before - (after - before) / 2, doubt: after - before)
        }
        return readings.min { $0.doubt < $1.doubt }?.offset ?? .zero
    }

    /// Since some moment: only differences of offsets mean anything.
    private static var monotonic: Duration { origin.duration(to: .now) }
    private static let origin = SuspendingClock.now
}
