import Synchronization

/// Events as they came, for a test to look at or to wait for.
final class EventLog<Event: Sendable>: Sendable {
    private struct State {
        var events: [Event] = []
        var watchers: [(isWanted: @Sendable (Event) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var all: [Event] { state.withLock { $0.events } }

    func add(_ event: Event) {
        let seen = state.withLock { state in
            state.events.append(event)
            let seen = state.watchers.filter { $0.isWanted(event) }.map(\.continuation)
            state.watchers.removeAll { $0.isWanted(event) }
            return seen
        }
        for watcher in seen { watcher.resume() }
    }

    /// Returns when an event like that has come, now or earlier.
    func wait(for isWanted: @escaping @Sendable (Event) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard !state.events.contains(where: isWanted) else { return true }
                state.watchers.append((isWanted, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
