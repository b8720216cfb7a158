import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// When latency is measured: before there is a plane, so that no server has anywhere to send payload to, and then while
/// payload moves.
extension ClientMachine {
    mutating func idle(_ server: PeerProtocol, _ plan: DataPlan, _ offer: DataOffer) -> [Action] {
        phase = .idling(server, plan, offer)
        return [.measureIdle(plan, offer), .setTimer(.reply, Tunables.reply)]
    }

    mutating func idling(
        _ event: SessionEvent, _ server: PeerProtocol, _ plan: DataPlan, _ offer: DataOffer
    ) -> [Action] {
        guard case .idleMeasured = event else { return beforePayload(event) }
        return open(server, plan, offer)
    }

    mutating func open(_ server: PeerProtocol, _ plan: DataPlan, _ offer: DataOffer) -> [Action] {
        phase = .opening(server, plan)
        return [.open(plan, offer), .setTimer(.reply, Tunables.reply)]
    }
}

extension ClientRun {
    /// How far the measurement of latency has come.
    enum Latency: Sendable {
        /// Nothing moves yet.
        case idle
        case loaded
        /// The last answers are awaited.
        case finishing
        case measured(LatencyReport)
    }

    /// The first payload moves. The warm-up is in no figure of the test, and not in this one.
    mutating func beginLoadedLatency() -> [ClientMachine.Action] {
        guard case .idle? = latency else { return [] }
        latency = .loaded
        return [.measureLoaded(after: plan.warmUp, lasting: plan.limit.duration)]
    }

    /// One of the directions has moved its last payload: from here on the path is loaded less than it was.
    mutating func finishLatency() -> [ClientMachine.Action] {
        switch latency {
        case .idle?, .loaded?:
            latency = .finishing
            return [.finishLatency]
        case .finishing?, .measured?, nil: return []
        }
    }

    /// Nothing more is to be measured, or expected.
    var isLatencyIn: Bool {
        switch latency {
        case .measured?, nil: true
        case .idle?, .loaded?, .finishing?: false
        }
    }
}
