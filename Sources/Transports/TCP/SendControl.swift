import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Synchronization

/// What the sending threads of a plane share: how long they send, whether they pause, and how they end.
final class SendControl: Sendable {
    /// Raised when sending shall end before the job is done, and when the plane closes.
    let endSending: StopSignal
    /// Nanoseconds of the monotonic clock; the largest is "no limit".
    private let deadlineValue = Atomic<UInt64>(.max)
    private let paused = Atomic(false)
    private let state = Mutex(State())

    private struct State {
        var end: SendEnd?
        var pausedAt: MonotonicTime?
        /// Raised when the pause is over.
        var goOn: StopSignal?
    }

    init() throws(SocketError) { endSending = try StopSignal() }

    /// The senders begin: sets when they end.
    func begin(_ duration: Duration?, now: MonotonicTime) {
        state.withLock { state in
            if state.pausedAt != nil { state.pausedAt = now }
            guard let duration else { return }
            deadlineValue.store((now + duration).nanoseconds, ordering: .relaxed)
        }
    }

    var deadline: MonotonicTime { MonotonicTime(nanoseconds: deadlineValue.load(ordering: .relaxed)) }

    /// How sending was ended early; nil when it wasn't.
    var end: SendEnd? { state.withLock { $0.end } }

    /// The first call decides.
    func stop(_ how: SendEnd) {
        state.withLock { if $0.end == nil { $0.end = how } }
        endSending.raise()
    }

    func setPaused(_ isPaused: Bool, now: MonotonicTime) {
        let goOn: StopSignal? = state.withLock { state in
            if isPaused {
                // Without a descriptor for the signal a pause is not possible, and goes by unheeded.
                guard state.pausedAt == nil, let signal = try? StopSignal() else { return nil }
                state.pausedAt = now
                state.goOn = signal
                paused.store(true, ordering: .relaxed)
                return nil
            }
            guard let since = state.pausedAt else { return nil }
            let length = now - since
            let deadline = deadlineValue.load(ordering: .relaxed)
            if deadline != .max {
                deadlineValue.store((MonotonicTime(nanoseconds: deadline) + length).nanoseconds, ordering: .relaxed)
            }
            defer { state.goOn = nil }
            state.pausedAt = nil
            paused.store(false, ordering: .relaxed)
            return state.goOn
        }
        goOn?.raise()
    }

    /// Asked before each write: cheap.
    var isPaused: Bool { paused.load(ordering: .relaxed) }

    /// Waits until the pause is over or sending is.
    func waitForPauseToEnd() {
        guard let goOn = state.withLock({ $0.goOn }) else { return }
        _ = StreamPoll.wait(for: [], on: nil, endSending, goOn, nanoseconds: nil)
    }
}
