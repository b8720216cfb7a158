/// A point on this host's monotonic clock: nanoseconds since an arbitrary origin, never set back.
///
/// Protocol logic takes it as an argument, so that tests can make time up. Two hosts' values have nothing in common.
public struct MonotonicTime: Hashable, Sendable {
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Later than every time that occurs: a deadline that never comes.
    public static let never = MonotonicTime(nanoseconds: .max)
}

extension MonotonicTime: Comparable {
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension MonotonicTime {
    /// Saturates at ``never``.
    public static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return overflow ? .never : MonotonicTime(nanoseconds: sum)
    }

    /// The time from `right` to `left`; zero when `right` is the later one.
    public static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
        guard left.nanoseconds > right.nanoseconds else { return .zero }
        return .nanoseconds(Int64(clamping: left.nanoseconds - right.nanoseconds))
    }
}
