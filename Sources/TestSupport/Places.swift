internal import FoundationEssentials
internal import Synchronization

/// A number of places, handed out in the order in which they were asked for.
package final class Places: Sendable {
    /// For tests that start processes which send as fast as they can: dozens together would starve one another into
    /// time-outs.
    package static let processes = Places(max(2, ProcessInfo.processInfo.activeProcessorCount))

    private let state: Mutex<State>

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    package init(_ count: Int) { state = Mutex(State(free: count)) }

    package func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    package func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
