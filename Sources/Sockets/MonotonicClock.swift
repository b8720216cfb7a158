import CQrateSocketShims
import Glibc
package import QrateMeasurement

/// The host's monotonic clock. About 22 ns a reading: once per batch, not per packet.
package enum MonotonicClock {
    package static func now() -> MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// As the system states it; nil when it doesn't.
    package static var resolution: Duration? {
        var time = timespec()
        guard clock_getres(CLOCK_MONOTONIC, &time) == 0 else { return nil }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// What a reading costs, in the best of some batches: what else runs can only make one look slower.
    package static var costOfReading: Duration {
        let batches = 8, readings = 512
        let fastest = (0..<batches).map { _ in
            let begin = now()
            for _ in 1..<readings { _ = now() }
            return now() - begin
        }.min()
        return (fastest ?? .zero) / readings
    }

    /// What the kernel derives time from, as in `tsc`; nil when it doesn't say.
    package static var source: String? {
        SystemFile.words("/sys/devices/system/clocksource/clocksource0/current_clocksource").first
    }

    /// Whether something keeps the wall clock in step with others; nil when the kernel won't tell.
    package static var isWallClockSynchronized: Bool? {
        let answer = qrate_wall_clock_is_synchronized()
        return answer < 0 ? nil : answer == 1
    }
}
