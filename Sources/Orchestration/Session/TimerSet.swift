import QrateMeasurement

/// The armed timers of one loop. They post into its mailbox; one that was reset or cancelled is recognised as stale
/// there, because it may already have been on its way.
struct TimerSet {
    /// One arming of one timer.
    struct Ring: Sendable, Hashable {
        var name: TimerName
        var arming: UInt64
    }

    private let time: Timekeeper
    private let post: @Sendable (Ring) -> Void
    private var armed: [TimerName: Timer] = [:]
    private var armings: UInt64 = 0
    private var isPaused = false

    private struct Timer {
        var arming: UInt64
        /// nil while it stands still; `duration` is what is left then.
        var task: Task<Void, Never>?
        var since: MonotonicTime
        var duration: Duration
    }

    /// A timer that is reset this soon stays as it was, and rings by so much too early. A cancelled sleep leaves something
    /// behind for a while (``NappingClock``), and a peer's messages reset timers as fast as it can send: 100,000 of them in
    /// three seconds took 27 MB.
    private static let slack = Duration.milliseconds(100)

    init(_ time: Timekeeper, post: @escaping @Sendable (Ring) -> Void) {
        self.time = time
        self.post = post
    }

    mutating func set(_ name: TimerName, after duration: Duration) {
        let now = time.now
        if let timer = armed[name], timer.duration == duration, now - timer.since < Self.slack { return }
        cancel(name)
        armings += 1
        guard !(isPaused && name.standsStillInPause) else {
            armed[name] = Timer(arming: armings, since: now, duration: duration)
            return
        }
        let ring = Ring(name: name, arming: armings)
        let alarm = time.alarm(after: duration)
        let task = Task { [post] in
            do { try await alarm() } catch { return }  // cancelled
            post(ring)
        }
        armed[name] = Timer(arming: armings, task: task, since: now, duration: duration)
    }

    /// Lets the timers of the test's course stand still, or go on with what is left of them.
    mutating func setPaused(_ isPaused: Bool) {
        guard isPaused != self.isPaused else { return }
        self.isPaused = isPaused
        let now = time.now
        for (name, timer) in armed where name.standsStillInPause {
            let rest = isPaused ? max(.zero, timer.duration - (now - timer.since)) : timer.duration
            cancel(name)
            set(name, after: rest)
        }
    }

    mutating func cancel(_ name: TimerName) { armed.removeValue(forKey: name)?.task?.cancel() }

    mutating func cancelAll() {
        for timer in armed.values { timer.task?.cancel() }
        armed = [:]
    }

    /// Whether `ring` is still wanted; if so, its timer is no longer armed.
    mutating func take(_ ring: Ring) -> Bool {
        guard armed[ring.name]?.arming == ring.arming else { return false }
        armed[ring.name] = nil
        return true
    }
}
