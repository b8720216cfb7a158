import Synchronization

/// A clock that stands still until a test moves it.
///
/// Nobody polls it: a test waits with ``sleeper(after:)`` until the code under test sleeps, then moves the clock.
package final class ManualClock: Clock, Sendable {
    package struct Instant: InstantProtocol {
        var offset: Duration

        package func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        package func duration(to other: Instant) -> Duration { other.offset - offset }
        package static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var arrivals: UInt64 = 0
        var sleepers: [UInt64: Sleeper] = [:]
        /// Sleepers whose task was cancelled before they had lain down.
        var cancelled: Set<UInt64> = []
        var watchers: [(due: Instant, count: Int, continuation: CheckedContinuation<Void, Never>)] = []

        func sleepers(due: Instant) -> Int { sleepers.values.count { $0.due == due } }
    }

    private struct Sleeper {
        var due: Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private let state = Mutex(State())

    package init() {}

    package var now: Instant { state.withLock { $0.now } }
    package var minimumResolution: Duration { .nanoseconds(1) }

    package func sleep(until due: Instant, tolerance: Duration?) async throws {
        let key = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                lieDown(key, Sleeper(due: due, continuation: continuation))
            }
        } onCancel: {
            cancel(key)
        }
    }

    private func lieDown(_ key: UInt64, _ sleeper: Sleeper) {
        enum Outcome { case cancelled, due, asleep([CheckedContinuation<Void, Never>]) }
        let outcome: Outcome = state.withLock { state in
            if state.cancelled.remove(key) != nil { return .cancelled }
            if sleeper.due <= state.now { return .due }
            state.sleepers[key] = sleeper
            let count = state.sleepers(due: sleeper.due)
            let seen = state.watchers.filter { $0.due == sleeper.due && $0.count <= count }.map(\.continuation)
            state.watchers.removeAll { $0.due == sleeper.due && $0.count <= count }
            return .asleep(seen)
        }
        switch outcome {
        case .cancelled: sleeper.continuation.resume(throwing: CancellationError())
        case .due: sleeper.continuation.resume()
        case .asleep(let watchers): for watcher in watchers { watcher.resume() }
        }
    }

    private func cancel(_ key: UInt64) {
        let sleeper = state.withLock { state in
            let sleeper = state.sleepers.removeValue(forKey: key)
            if sleeper == nil { state.cancelled.insert(key) }
            return sleeper
        }
        sleeper?.continuation.resume(throwing: CancellationError())
    }

    /// Moves the clock and wakes who is due, in the order of their times.
    package func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.due <= state.now }
            for key in due.keys { state.sleepers[key] = nil }
            return due.values.sorted { $0.due < $1.due }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Returns when so many sleep until exactly `duration` from now.
    package func sleeper(after duration: Duration, count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                let due = state.now.advanced(by: duration)
                guard state.sleepers(due: due) < count else { return true }
                state.watchers.append((due, count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Waits until so many sleep for `duration`, and lets that time pass.
    package func pass(_ duration: Duration, sleepers: Int = 1) async {
        await sleeper(after: duration, count: sleepers)
        advance(by: duration)
    }
}
