import Synchronization

/// Events as they came, for a test to look at or to wait for.
final class EventLog<Event: Sendable>: Sendable {
    private struct State {
        var events: [Event] = []
        var watchers: [Watcher] = []
    }

    private struct Watcher {
        var count: Int
        var isWanted: @Sendable (Event) -> Bool
        var continuation: CheckedContinuation<Void, Never>

        func isServed(by events: [Event]) -> Bool { events.count(where: isWanted) >= count }
    }

    private let state = Mutex(State())

    var all: [Event] { state.withLock { $0.events } }

    func add(_ event: Event) {
        let seen = state.withLock { state in
            state.events.append(event)
            let seen = state.watchers.filter { $0.isServed(by: state.events) }.map(\.continuation)
            state.watchers.removeAll { $0.isServed(by: state.events) }
            return seen
        }
        for watcher in seen { watcher.resume() }
    }

    /// Returns when so many events like that have come, now or earlier.
    func wait(_ count: Int = 1, for isWanted: @escaping @Sendable (Event) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                let watcher = Watcher(count: count, isWanted: isWanted, continuation: continuation)
                guard !watcher.isServed(by: state.events) else { return true }
                state.watchers.append(watcher)
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
