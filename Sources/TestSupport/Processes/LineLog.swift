import Synchronization

/// What a process has printed so far, line by line, for a test to look at or to wait for.
package final class LineLog: Sendable {
    private let state = Mutex(State())

    private struct State {
        var lines: [String] = []
        /// The beginning of a line whose end hasn't come.
        var rest: [UInt8] = []
        var hasEnded = false
        var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
        var lastWatcher = 0
    }

    /// How long a test waits for something that must come. Far more than it takes: who waits so long waits for nothing.
    package static let patience = Duration.seconds(60)

    package init() {}

    /// The complete lines, without their ends.
    package var lines: [String] { state.withLock { $0.lines } }

    /// Everything, byte by byte as it came if it is UTF-8.
    package var text: String {
        state.withLock { state in
            state.lines.map { $0 + "\n" }.joined() + String(decoding: state.rest, as: UTF8.self)
        }
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    func append(_ bytes: some Sequence<UInt8>) {
        update { state in
            for byte in bytes {
                guard byte == UInt8(ascii: "\n") else {
                    state.rest.append(byte)
                    continue
                }
                state.lines.append(String(decoding: state.rest, as: UTF8.self))
                state.rest = []
            }
        }
    }

    func end() { update { $0.hasEnded = true } }

    private func update(_ body: (inout State) -> Void) {
        let watchers = state.withLock { state in
            body(&state)
            return state.watchers.values.map(\.self)
        }
        for watcher in watchers { watcher.yield() }
    }

    /// Waits until `pick` finds what it wants among the lines.
    ///
    /// - Parameter what: What is waited for, for the message when it never comes.
    /// - Throws: ``NothingCame`` when the process has ended without it, or time is up.
    package func wait<Found: Sendable>(for what: String, _ pick: ([String]) throws -> Found?) async throws -> Found {
        let (news, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let watcher = state.withLock { state in
            state.lastWatcher += 1
            state.watchers[state.lastWatcher] = continuation
            return state.lastWatcher
        }
        let alarm = Task {
            try await Task.sleep(for: Self.patience)
            continuation.finish()
        }
        defer {
            alarm.cancel()
            state.withLock { $0.watchers[watcher] = nil }
        }
        continuation.yield()  // for what is there already
        for await _ in news {
            let (lines, hasEnded) = state.withLock { ($0.lines, $0.hasEnded) }
            if let found = try pick(lines) { return found }
            if hasEnded { break }
        }
        throw NothingCame(awaited: what, text: text)
    }

    /// Waits for a line that has `part` in it.
    @discardableResult
    package func line(with part: String) async throws -> String {
        try await wait(for: "a line with \"\(part)\"") { lines in lines.first { $0.contains(part) } }
    }

    package struct NothingCame: Error, CustomStringConvertible {
        package let awaited: String
        package let text: String

        package var description: String { "\(awaited) did not come; what came:\n\(text)" }
    }
}
