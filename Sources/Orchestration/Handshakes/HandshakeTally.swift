import Glibc
import QrateMeasurement
import QrateStatistics
import QrateTransportAPI
import Synchronization

/// Counts the handshakes of one phase, and decides when there are enough. It has no clock: the lanes bring the time.
final class HandshakeTally: HandshakeSink {
    private let kind: HandshakeKind
    private let duration: Duration?
    private let count: Int?
    private let lanes: Int
    private let state = Mutex(State())

    private struct State {
        var begunAt: MonotonicTime?
        var lastCompletion: MonotonicTime?
        var underWay = 0
        var completed = 0
        var mistaken = 0
        var faults: [HandshakeFault: UInt64] = [:]
        var latency = LatencyMeter()
        var connecting = LatencyMeter()
        var hasConnecting = false
        var faultsInARow = 0
        var lastError: TransportError?
        var isOver = false
        /// The server is lost: nothing but faults any more.
        var isLost = false
    }

    /// So many faults, and none but faults, say that there is nothing left to measure.
    private static let mostFaultsInARow = 10

    init(_ kind: HandshakeKind, duration: Duration?, count: Int?, lanes: Int) {
        self.kind = kind
        self.duration = duration
        self.count = count
        self.lanes = lanes
    }

    /// No more of them. What is under way isn't counted.
    func stop() { state.withLock { $0.isOver = true } }

    /// Whether nothing came but faults in the end.
    var isLost: Bool { state.withLock { $0.isLost } }

    // MARK: HandshakeSink

    func mayBegin(lane: Int, now: MonotonicTime) -> Bool {
        state.withLock { state in
            guard !state.isOver else { return false }
            if let duration, let begunAt = state.begunAt, now - begunAt >= duration { return false }
            if let count, state.completed + state.mistaken + state.underWay >= count { return false }
            state.begunAt = state.begunAt ?? now
            state.underWay += 1
            return true
        }
    }

    func completed(_ handshake: CompletedHandshake) {
        state.withLock { state in
            state.underWay -= 1
            guard !state.isOver else { return }
            state.faultsInARow = 0
            guard handshake.kind == kind else {
                state.mistaken += 1
                return
            }
            state.completed += 1
            state.lastCompletion = max(state.lastCompletion ?? handshake.completedAt, handshake.completedAt)
            state.latency.record(handshake.duration)
            if let connecting = handshake.connecting {
                state.hasConnecting = true
                state.connecting.record(connecting)
            }
        }
    }

    func failed(_ fault: HandshakeFault, _ error: TransportError) {
        state.withLock { state in
            state.underWay -= 1
            guard !state.isOver else { return }
            state.faults[fault, default: 0] += 1
            state.faultsInARow += 1
            state.lastError = error
            // One that had all its time is worth more than one that was refused at once.
            let limit = fault == .timeout ? lanes : max(Self.mostFaultsInARow, 2 * lanes)
            if state.faultsInARow >= limit {
                state.isLost = true
                state.isOver = true
            }
        }
    }

    // MARK: The result

    var report: HandshakePhaseReport {
        state.withLock { state in
            var report = HandshakePhaseReport(kind: kind)
            report.completed = UInt64(state.completed)
            report.mistaken = UInt64(state.mistaken)
            report.failures = state.faults
            report.isPartial = state.isOver
            if let begunAt = state.begunAt { report.window = state.lastCompletion.map { $0 - begunAt } }
            report.latency = state.latency.summary
            if state.hasConnecting { report.connectLatency = state.connecting.summary }
            return report
        }
    }

    /// Why this phase is no measurement, or not all of it; nil when it is.
    var failure: TestFailure? {
        state.withLock { state in
            let last = state.lastError.map { ": \($0.message)" } ?? ""
            if state.isLost {
                return TestFailure(.failed, "\(state.faultsInARow) handshakes in a row failed, the last one\(last)")
            }
            if state.mistaken > 0 {
                let all = state.mistaken + state.completed
                return TestFailure(
                    .failed,
                    kind == .resumed
                        ? "\(state.mistaken) of \(all) handshakes that were to resume a session did not: the server "
                            + "refused the ticket"
                        : "\(state.mistaken) of \(all) handshakes that were to be cold resumed a session")
            }
            guard state.completed == 0, !state.isOver else { return nil }
            return TestFailure(.failed, "no \(kind.rawValue) handshake was completed\(last)")
        }
    }
}

/// Lets each lane make one handshake that isn't measured: code is loaded, caches are filled, tickets come.
final class LaneWarmUp: HandshakeSink {
    private let state = Mutex(State())

    private struct State {
        var begun: Set<Int> = []
        var error: TransportError?
    }

    /// Why a lane's failed.
    var error: TransportError? { state.withLock { $0.error } }

    func mayBegin(lane: Int, now: MonotonicTime) -> Bool { state.withLock { $0.begun.insert(lane).inserted } }

    func completed(_ handshake: CompletedHandshake) {}

    func failed(_ fault: HandshakeFault, _ error: TransportError) { state.withLock { $0.error = error } }
}
