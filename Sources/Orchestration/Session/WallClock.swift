import Glibc

/// The clock that people and programs set.
enum WallClock {
    /// How far it is ahead of the monotonic clock, which nobody sets. Both are slewed alike, so this changes only when the
    /// wall clock is set (clock_settime(2), a leap second), or when the host slept: the monotonic clock doesn't count that.
    static func offset() -> Duration {
        // Between two readings a thread can lose the processor: the closest of a few is taken.
        let readings = (0..<3).map { _ in
            let before = read(CLOCK_MONOTONIC), wall = read(CLOCK_REALTIME), after = read(CLOCK_MONOTONIC)
            return (offset: wall - before - (after - before) / 2, doubt: after - before)
        }
        return readings.min { $0.doubt < $1.doubt }?.offset ?? .zero
    }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
