import QrateControlProtocol
package import QrateMeasurement
import QrateTransportAPI

/// The client's end of one test.
///
/// Feed it ``SessionEvent/connected(_:)`` (or what came instead), then everything that happens, and do what it says.
/// After ``SessionAction/finish(_:)`` it says nothing more, and ``report`` is final. The report is good at any time:
/// it holds what was measured until then, and why the test ended early.
package struct ClientMachine: SessionMachine {
    package typealias Action = SessionAction<TestEvent>

    package internal(set) var report: TestReport
    var phase = Phase.connecting
    let host: String

    enum Phase: Sendable {
        case connecting
        /// Our hello is sent.
        case greeting
        /// Our `test_start` is sent.
        case asking(PeerProtocol, DataPlan)
        /// The server took the test; latency is measured before anything else goes over the path.
        case idling(PeerProtocol, DataPlan, DataOffer)
        /// The plane is being made.
        case opening(PeerProtocol, DataPlan)
        case running(ClientRun)
        /// Stopped early; the server still owes its counts.
        case stopping(ClientRun)
        /// Nothing is expected from the server any more; the plane's last counts are.
        case settling(ClientRun, CloseReason)
        case finished
    }

    /// - Parameters:
    ///   - startedAt: Wall clock, seconds since 1970 (UTC).
    ///   - host: The server as the user wrote it.
    ///   - platform: This end's.
    package init(
        id: String, startedAt: Double, host: String, parameters: TestParameters, platform: Platform? = nil
    ) {
        self.host = host
        report = TestReport(
            id: id, startedAt: startedAt, parameters: parameters.resolved,
            client: EndReport(software: QrateVersion.software))
        report.client.platform = platform
        if let failure = parameters.usageFailure {
            report.failure = failure
            phase = .finished
        }
    }

    /// From the beginning, when no server could run the test.
    package var isFinished: Bool {
        if case .finished = phase { true } else { false }
    }

    package mutating func handle(_ event: SessionEvent, now: MonotonicTime) -> [Action] {
        switch phase {
        case .connecting: connecting(event)
        case .greeting: greeting(event)
        case .asking(let server, let plan): asking(event, server, plan)
        case .idling(let server, let plan, let offer): idling(event, server, plan, offer)
        case .opening(let server, let plan): opening(event, server, plan)
        case .running(let run): running(event, run)
        case .stopping(let run): stopping(event, run)
        case .settling(let run, let reason): settling(event, run, reason)
        case .finished: []
        }
    }

    // MARK: - Before payload

    private mutating func connecting(_ event: SessionEvent) -> [Action] {
        guard case .connected(let peer) = event else { return beforePayload(event) }
        report.handshake = peer.handshake
        report.security = peer.security
        report.isLoopback = peer.isLoopback
        report.server = EndReport(software: "unknown", host: host, address: peer.address)
        phase = .greeting
        let hello = Hello(client: QrateVersion.software, capabilities: Capability.announced)
        let warnings = (peer.warnings + (peer.isLoopback ? [.loopback] : [])).map { warn($0) }
        return [.emit(.connected(peer))] + warnings + [.send(.hello(hello)), .setTimer(.reply, Tunables.reply)]
    }

    private mutating func greeting(_ event: SessionEvent) -> [Action] {
        guard case .received(.hello(let hello)) = event else { return beforePayload(event) }
        let server: PeerProtocol
        do { server = try PeerProtocol.negotiate(hello, as: .client) } catch {
            return fail(error.failure, .protocolError)
        }
        report.server?.software = server.software
        if server.demandsPSK {
            return fail(
                TestFailure(.permission, "The server demands a pre-shared key, which qrate has not got."), .done)
        }
        if let failure = report.parameters.foreignServerFailure(server) { return fail(failure, .done) }
        var warnings: [Action] = []
        if !server.speaksQrate {
            if report.parameters.inWholeSeconds != report.parameters {
                report.parameters = report.parameters.inWholeSeconds
                warnings.append(warn(.durationRounded(to: report.parameters.limit.duration ?? .zero)))
            }
            if report.parameters.direction.sends(from: .client) {
                warnings.append(warn(.foreignWindow))
                if report.parameters.transport == .udp { warnings.append(warn(.foreignLoss)) }
            }
        }
        let plan = DataPlan(
            role: .client, testID: report.id, parameters: report.parameters, peer: PeerTraits(server, here: .qrate))
        phase = .asking(server, plan)
        let start = TestStart(id: report.id, report.parameters)
        return warnings + [.send(.testStart(start)), .setTimer(.reply, Tunables.reply)]
    }

    private mutating func asking(_ event: SessionEvent, _ server: PeerProtocol, _ plan: DataPlan) -> [Action] {
        guard case .received(.testAck(let ack)) = event else { return beforePayload(event) }
        guard ack.id == report.id else {
            return fail(TestFailure(.protocolError, "The server acknowledged another test than ours."), .protocolError)
        }
        do { try ack.check(for: plan.parameters, from: server) } catch { return fail(error.failure, .protocolError) }
        if let settings = ack.qrate?.settings?.settings { report.server?.settings = settings }
        report.server?.platform = ack.qrate?.platform?.platform
        let warnings = buildDoubts().map { warn($0) }
        let offer = DataOffer(
            ports: ack.dataPorts, token: ack.udpToken, connectionToken: ack.qrate?.connectionToken,
            probeToken: ack.qrate?.probeToken)
        return warnings
            + (plan.parameters.measuresLatency ? idle(server, plan, offer) : open(server, plan, offer))
    }

    private mutating func opening(_ event: SessionEvent, _ server: PeerProtocol, _ plan: DataPlan) -> [Action] {
        guard case .planeReady(_, let sample) = event else { return beforePayload(event) }
        report.client.settings = sample.settings
        var run = ClientRun(server: server, plan: plan, first: sample)
        var actions: [Action] = [.cancelTimer(.reply), .setTimer(.idle, run.idleLimit)]
        if let end = report.server {
            let header = TestHeader(
                id: report.id, parameters: report.parameters, client: report.client, server: end,
                handshake: report.handshake, security: report.security, canPause: server.canPause)
            actions.append(.emit(.started(header)))
        }
        if plan.sends {
            actions.append(.start(SendJob(plan: plan)))
            if let planned = run.plannedEnd { actions.append(.setTimer(.sendingEnd, planned + Tunables.margin)) }
            actions += run.beginLoadedLatency()
        }
        phase = .running(run)
        return actions
    }

    /// What ends a conversation that hasn't come to payload.
    mutating func beforePayload(_ event: SessionEvent) -> [Action] {
        switch event {
        case .transportFailed(let error), .plane(.failed(let error)): fail(error.failure, .done)
        case .stopRequested: fail(Self.interrupted, .cancelled)
        case .malformed(let error): fail(error.failure, .protocolError)
        case .received(.error(let message)): fail(message.failure(otherwise: .refused), .done)
        case .controlEnded:
            fail(TestFailure(.protocolError, "The server ended the conversation before the test."), .done)
        case .timer(.reply):
            fail(
                TestFailure(.unreachable, "The server is connected but did not answer within \(Tunables.reply)."),
                .timedOut)
        default: []
        }
    }

    // MARK: - Ending

    static let interrupted = TestFailure(.interrupted, "The test was interrupted.")

    private mutating func fail(_ failure: TestFailure, _ reason: CloseReason) -> [Action] {
        note(failure)
        return finish(reason)
    }

    mutating func finish(_ reason: CloseReason) -> [Action] {
        phase = .finished
        return [.finish(reason)]
    }

    /// The first failure is the cause, later ones are its consequences.
    mutating func note(_ failure: TestFailure) {
        if report.failure == nil { report.failure = failure }
    }

    mutating func warn(_ warning: TestWarning) -> Action {
        report.warnings.append(warning)
        return .emit(.warning(warning))
    }
}

extension PeerIdentity {
    /// Its address is as in `127.0.0.1:5201`, `[::1]:5201` or `[::ffff:127.0.0.1]:5201`.
    var isLoopback: Bool { ["127.", "[::1]", "[::ffff:127."].contains { address.hasPrefix($0) } }
}
