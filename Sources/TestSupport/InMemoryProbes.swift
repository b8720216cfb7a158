package import QrateMeasurement
import QrateTransportAPI
import Synchronization

/// Probes that send nothing: they note what they were asked for, and say that all is well. The figures are made up: one probe
/// idle, and one for each time that they were told to begin under load.
package final class InMemoryProbes: LatencyProbes {
    /// What they were asked for, in order.
    package enum Call: Sendable, Hashable {
        case idle
        case loaded(after: Duration, lasting: Duration?)
        case paused(Bool)
        case finished
    }

    private let noted = Mutex<[Call]>([])

    init() {}

    package var calls: [Call] { noted.withLock { $0 } }

    private func note(_ call: Call) { noted.withLock { $0.append(call) } }

    package func measureIdle() async { note(.idle) }

    package func beginLoaded(after delay: Duration, lasting duration: Duration?) {
        note(.loaded(after: delay, lasting: duration))
    }

    package func setPaused(_ isPaused: Bool) { note(.paused(isPaused)) }

    package func finish() async -> LatencyReport {
        note(.finished)
        let loads = calls.count { if case .loaded = $0 { true } else { false } }
        return LatencyReport(
            beside: LatencyComparison(
                idle: ProbeSummary(interval: .milliseconds(50), sent: 1, answered: 1),
                loaded: ProbeSummary(interval: .milliseconds(20), sent: UInt64(loads), answered: UInt64(loads))))
    }
}
