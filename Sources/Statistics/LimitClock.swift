package import QrateMeasurement

/// Knows for each moment of a sender's time what kept it from sending more, and for how long each cause did.
///
/// Its owner tells it of each change, with the time. Between two changes the cause is the one that was told last; in a
/// pause there is none. No clock, and no allocation once it is made.
package struct LimitClock: Sendable {
    /// Nanoseconds, by ``LimitCause/slot``.
    private var times: [UInt64]
    private var slot: Int
    private var since: UInt64

    /// The place of time that is nobody's: of pauses.
    private static let nobody = LimitCause.allCases.count

    /// Begins to count.
    package init(_ cause: LimitCause?, at now: MonotonicTime) {
        times = [UInt64](repeating: 0, count: Self.nobody + 1)
        slot = cause?.slot ?? Self.nobody
        since = now.nanoseconds
    }

    /// From `now` on it is `cause`; nil in a pause. A time before the last change is taken for that one's.
    package mutating func limit(by cause: LimitCause?, at now: MonotonicTime) {
        if now.nanoseconds > since {
            times[slot] &+= now.nanoseconds &- since
            since = now.nanoseconds
        }
        slot = cause?.slot ?? Self.nobody
    }

    /// The times until `now`, of `causes`: those that this sender can tell.
    package func shares(of causes: [LimitCause] = LimitCause.allCases, at now: MonotonicTime) -> LimitShares {
        var copy = self
        copy.limit(by: nil, at: now)
        return LimitShares(
            causes.reduce(into: [:]) { $0[$1] = .nanoseconds(Int64(clamping: copy.times[$1.slot])) })
    }
}

extension LimitCause {
    fileprivate var slot: Int {
        switch self {
        case .congestionWindow: 0
        case .pacing: 1
        case .flowControl: 2
        case .targetBitrate: 3
        case .application: 4
        case .socketBuffer: 5
        case .cpu: 6
        case .idle: 7
        }
    }
}
