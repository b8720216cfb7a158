import QrateMeasurement
import Synchronization

/// A plane's ``PayloadPace``, shared by its connections' threads. Only a test with a target rate or a shared budget has
/// one; its lock is then taken twice a turn.
final class PlanePacing: Sendable {
    private let state = Mutex(State())

    private struct State {
        var pace: PayloadPace?
        var hasReportedUse = false
    }

    /// What settling a grant has led to.
    struct Outcome {
        /// When asking again is worth it.
        let nextGrant: MonotonicTime
        /// The shared budget is used up, said once.
        let isUsedUp: Bool
        /// Something was given back that another connection has asked for in vain.
        let freedForOthers: Bool
    }

    /// - Returns: Whether there is anything to pace.
    func begin(_ pace: PayloadPace?) -> Bool {
        state.withLock { state in
            state.pace = pace
            return pace != nil
        }
    }

    var burst: ByteCount? { state.withLock { $0.pace?.burst } }
    var isUsedUp: Bool { state.withLock { $0.pace?.isUsedUp ?? false } }

    /// What the connection in this place may take until it settles.
    func grant(_ place: Int, now: MonotonicTime) -> UInt64 {
        state.withLock { state in
            guard state.pace != nil else { return .max }
            return state.pace?.grant(place, now: now) ?? .max
        }
    }

    func settle(_ place: Int, left: UInt64) -> Outcome {
        state.withLock { state in
            let freed = state.pace?.settle(place, left: left) ?? false
            let isUsedUp = state.pace?.isUsedUp ?? false
            defer { if isUsedUp { state.hasReportedUse = true } }
            return Outcome(
                nextGrant: state.pace?.nextGrant(place) ?? .never, isUsedUp: isUsedUp && !state.hasReportedUse,
                freedForOthers: freed)
        }
    }

    /// The connection in this place has sent its all.
    func leave(_ place: Int) { state.withLock { $0.pace?.leave(place) } }

    /// Time in which nothing was to be sent gives no credit.
    func skip(to now: MonotonicTime) { state.withLock { $0.pace?.skip(to: now) } }
}
