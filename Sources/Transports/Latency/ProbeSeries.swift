import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateStatistics
import Synchronization

/// One series of probes, between the thread that sends and receives them and those who run the test.
final class ProbeSeries: Sendable {
    private let token: FlowToken
    private let state = Mutex(State())
    /// Gives the thread a turn, because something has changed.
    private let wake: @Sendable () -> Void

    private struct State {
        var prober = LatencyProber()
        var waiters: [CheckedContinuation<Void, Never>] = []
        /// When the waiters have waited long enough; `.never` without any.
        var patience = MonotonicTime.never
        var isClosed = false

        /// Those who needn't wait any longer.
        mutating func takeSettled(_ now: MonotonicTime) -> [CheckedContinuation<Void, Never>] {
            guard !waiters.isEmpty else { return [] }
            guard isClosed || prober.isSettled(now: now) else {
                patience = prober.settles(now: now) ?? .never
                return []
            }
            defer { waiters = [] }
            patience = .never
            return waiters
        }
    }

    init(_ token: FlowToken, wake: @escaping @Sendable () -> Void) {
        self.token = token
        self.wake = wake
    }

    // MARK: For those who run the test

    func begin(_ phase: LatencyProber.Phase, from start: MonotonicTime, lasting duration: Duration? = nil) {
        state.withLock { $0.prober.begin(phase, from: start, lasting: duration) }
        wake()
    }

    func end() {
        let now = MonotonicClock.now()
        state.withLock { $0.prober.end(at: now) }
        wake()
    }

    func setPaused(_ isPaused: Bool) {
        let now = MonotonicClock.now()
        state.withLock { $0.prober.setPaused(isPaused, at: now) }
        wake()
    }

    /// Returns when every probe that was to be sent is answered, or its answer not awaited any longer; at once when the
    /// series is closed.
    func settled() async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.waiters.append(continuation) }
            check(MonotonicClock.now())
            wake()
        }
    }

    var comparison: LatencyComparison { state.withLock { $0.prober.comparison } }

    /// Nothing is sent or awaited any more. Idempotent, from any thread.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            return state.takeSettled(.never)
        }
        for waiter in waiters { waiter.resume() }
        wake()
    }

    // MARK: For the thread

    var isClosed: Bool { state.withLock { $0.isClosed } }

    var phase: LatencyProber.Phase? { state.withLock { $0.prober.phase } }

    /// When the thread needs a turn: to send a probe, or because waiting is over.
    ///
    /// - Parameter sends: Whether it is this thread that sends them.
    func deadline(sends: Bool = true) -> MonotonicTime {
        state.withLock { state in
            guard !state.isClosed else { return .never }
            return sends ? min(state.prober.nextDue, state.patience) : state.patience
        }
    }

    /// The probes that are to be sent now, in as many bytes each.
    func pollDue(now: MonotonicTime) -> [[UInt8]] {
        state.withLock { state in
            var due: [[UInt8]] = []
            guard !state.isClosed else { return due }
            while due.count < Self.mostAtOnce, let sequence = state.prober.pollProbe(now: now) {
                due.append(LatencyProbe(token: token, sequence: sequence).encoded)
            }
            return due
        }
    }

    /// After a stall the others are due still, and go next.
    private static let mostAtOnce = 64

    /// Takes what may be an answer.
    func handle(_ message: UnsafeRawBufferPointer, at now: MonotonicTime) {
        guard let answer = LatencyProbe(message), answer.kind == .answer, answer.token == token else { return }
        state.withLock {
            $0.prober.handleAnswer(sequence: answer.sequence, receivedByPeer: answer.receivedAt, now: now)
        }
        check(now)
    }

    /// Lets those go who needn't wait any longer.
    func check(_ now: MonotonicTime) {
        for waiter in state.withLock({ $0.takeSettled(now) }) { waiter.resume() }
    }
}
