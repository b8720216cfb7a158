package import QrateMeasurement

/// When the probes of one phase are to be sent: at equal distances from its start, whatever became of those before.
///
/// A probe that nobody came to send in time stays due, with the time that it was meant for: what it then measures counts from
/// there. A schedule that moved on from when a probe was really sent, or answered, would leave out just those moments that
/// were slow (coordinated omission).
package struct ProbeSchedule: Sendable {
    package let interval: Duration
    /// The time of the next one; `.never` when there is none.
    private var following: MonotonicTime
    /// How many are still to come; nil for no end.
    private var left: Int?
    /// Probes of later times are not to be sent: the phase has ended, or is paused since then.
    private var limit = MonotonicTime.never
    private var hasEnded = false

    /// - Parameter count: nil until ``end(at:)``.
    package init(every interval: Duration, from start: MonotonicTime, count: Int? = nil) {
        self.interval = interval
        following = start
        left = count
    }

    /// When the next probe is to be sent; `.never` when none is.
    package var next: MonotonicTime { following <= limit && left != 0 ? following : .never }

    /// The time that a due probe was meant for; nil when none is due. Call it until it is.
    package mutating func pollDue(now: MonotonicTime) -> MonotonicTime? {
        let due = next
        guard due <= now, due != .never else { return nil }
        following = due + interval
        left = left.map { $0 - 1 }
        return due
    }

    /// No probe is meant for a later time. Those before stay due.
    package mutating func end(at now: MonotonicTime) {
        guard !hasEnded else { return }
        hasEnded = true
        limit = min(limit, now)
    }

    /// The time of a pause isn't there: the schedule goes on behind it.
    package mutating func setPaused(_ isPaused: Bool, at now: MonotonicTime) {
        guard !hasEnded else { return }
        if isPaused {
            limit = min(limit, now)
        } else if limit != .never {
            if following > limit { following = following + (now - limit) }
            limit = .never
        }
    }
}
