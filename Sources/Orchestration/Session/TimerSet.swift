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

    private struct Timer {
        var arming: UInt64
        var task: Task<Void, Never>
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
        let ring = Ring(name: name, arming: armings)
        let alarm = time.alarm(after: duration)
        let task = Task { [post] in
            do { try await alarm() } catch { return }  // cancelled
            post(ring)
        }
        armed[name] = Timer(arming: armings, task: task, since: now, duration: duration)
    }

    mutating func cancel(_ name: TimerName) { armed.removeValue(forKey: name)?.task.cancel() }

    mutating func cancelAll() {
        for timer in armed.values { timer.task.cancel() }
        armed = [:]
    }

    /// Whether `ring` is still wanted; if so, its timer is no longer armed.
    mutating func take(_ ring: Ring) -> Bool {
        guard armed[ring.name]?.arming == ring.arming else { return false }
        armed[ring.name] = nil
        return true
    }
}
