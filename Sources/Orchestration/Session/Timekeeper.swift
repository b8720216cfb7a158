package import QrateMeasurement

/// A clock as the loops use it: read as ``QrateMeasurement/MonotonicTime``, and slept on.
package struct Timekeeper: Sendable {
    private let read: @Sendable () -> MonotonicTime
    private let makeAlarm: @Sendable (Duration) -> Alarm

    /// Sleeps until a point that was fixed when the alarm was made. Throws when the task is cancelled.
    package typealias Alarm = @Sendable () async throws -> Void

    package init(_ clock: some Clock<Duration>) {
        let origin = clock.now
        read = { MonotonicTime(nanoseconds: origin.duration(to: clock.now).nanoseconds) }
        makeAlarm = { duration in
            let due = clock.now.advanced(by: duration)
            return { try await clock.sleep(until: due, tolerance: nil) }
        }
    }

    package var now: MonotonicTime { read() }
    package func alarm(after duration: Duration) -> Alarm { makeAlarm(duration) }
}
