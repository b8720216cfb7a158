import QrateControlProtocol
package import QrateMeasurement
package import QrateTransportAPI

/// The server's end of one session: one conversation, one test.
///
/// Whatever the client does, it ends with ``SessionAction/finish(_:)``, and within bounded time. A refusal is always
/// said before the session is closed, and the client is given a moment to read it.
package struct ServerMachine: SessionMachine {
    package typealias Action = SessionAction<ServerEvent>

    var phase = Phase.connecting
    private var peer = PeerIdentity(address: "unknown")
    let longestTest: Duration
    private let silence: Duration
    private let traits: PeerTraits
    private let platform: Platform?
    /// The client has asked for figures of this process, and may come for nothing else.
    private var isObserved = false

    /// Indirect, like what goes in and out of a machine: a server has a thousand sessions that wait, and each keeps room for
    /// the largest case in several places of its task.
    indirect enum Phase: Sendable {
        case connecting
        /// Waits for the client's hello.
        case greeting
        /// Waits for its `test_start`.
        case asking(PeerProtocol)
        /// Waits for a place.
        case admitting(PeerProtocol, ServedTest)
        /// Waits for the plane.
        case offering(PeerProtocol, ServedTest)
        case running(ServerRun)
        /// Over; the plane's last counts are awaited. When they are in, the result is sent.
        case concluding(ServerRun)
        /// Everything is said; the client closes.
        case lingering(CloseReason)
        case finished
    }

    /// - Parameters:
    ///   - longestTest: When a test is ended that has no planned end, or misses it.
    ///   - silence: How long a client may say nothing while it has something to say.
    ///   - traits: What this end can do with its clients.
    ///   - platform: This end's, to be told to qrate clients.
    package init(
        longestTest: Duration, silence: Duration = Tunables.idle, traits: PeerTraits = .qrate,
        platform: Platform? = nil
    ) {
        self.longestTest = longestTest
        self.silence = silence
        self.traits = traits
        self.platform = platform
    }

    package mutating func handle(_ event: SessionEvent, now: MonotonicTime) -> [Action] {
        switch phase {
        case .connecting: connecting(event)
        case .greeting: greeting(event)
        case .asking(let client): asking(event, client)
        case .admitting(let client, let test): admitting(event, client, test)
        case .offering(let client, let test): offering(event, client, test, now)
        case .running(let run): running(event, run, now)
        case .concluding(let run): concluding(event, run, now)
        case .lingering(let reason): lingering(event, reason)
        case .finished: []
        }
    }

    // MARK: - Before payload

    private mutating func connecting(_ event: SessionEvent) -> [Action] {
        guard case .connected(let identity) = event else { return beforePayload(event) }
        peer = identity
        phase = .greeting
        return [.setTimer(.firstLine, Tunables.firstLine)]
    }

    private mutating func greeting(_ event: SessionEvent) -> [Action] {
        switch event {
        case .received(.hello(let hello)):
            let client: PeerProtocol
            do { client = try PeerProtocol.negotiate(hello) } catch {
                return refuse(error.failure, .protocolError)
            }
            if let refusal = peer.refusal { return refuse(refusal, .refused) }
            phase = .asking(client)
            return [
                .cancelTimer(.firstLine), .setTimer(.reply, Tunables.reply),
                .send(.hello(Hello(server: QrateVersion.software, capabilities: traits.capabilities))),
            ]
        case .received: return refuse(TestFailure(.protocolError, "Expected hello message"), .protocolError)
        default: return beforePayload(event)
        }
    }

    private mutating func asking(_ event: SessionEvent, _ client: PeerProtocol) -> [Action] {
        switch event {
        case .received(.testStart(let start)):
            let parameters: TestParameters
            do { parameters = try start.parameters(over: peer.transports) } catch {
                return refuse(error.failure, .refused)
            }
            if let failure = parameters.usageFailure { return refuse(TestFailure(.refused, failure.message), .refused) }
            let test = ServedTest(id: start.id, peer: peer.address, software: client.software, parameters: parameters)
            phase = .admitting(client, test)
            return [.cancelTimer(.reply), .admit(parameters)]
        case .received(.usage) where client.speaksQrate:
            // Each question is a sign of life; all of them together last no longer than a test.
            let limit: [Action] = isObserved ? [] : [.setTimer(.longestTest, longestTest)]
            isObserved = true
            return limit + [.setTimer(.reply, Tunables.reply), .measureUsage]
        case .usageMeasured(let time): return [.send(.usage(UsageMessage(processTime: time)))]
        case .controlEnded where isObserved, .transportFailed where isObserved:
            phase = .finished
            return [.finish(.done)]
        case .received: return refuse(TestFailure(.protocolError, "Expected test_start message"), .protocolError)
        default: return beforePayload(event)
        }
    }

    private mutating func admitting(_ event: SessionEvent, _ client: PeerProtocol, _ test: ServedTest) -> [Action] {
        guard case .admission(let refusal) = event else { return beforePayload(event) }
        if let refusal { return refuse(refusal, .refused) }
        phase = .offering(client, test)
        return [.offer(plan(client, test)), .setTimer(.reply, Tunables.reply)]
    }

    private mutating func offering(
        _ event: SessionEvent, _ client: PeerProtocol, _ test: ServedTest, _ now: MonotonicTime
    ) -> [Action] {
        guard case .planeReady(let offer, let sample) = event else { return beforePayload(event) }
        let plan = plan(client, test)
        var run = ServerRun(
            client: client, test: test, plan: plan, silence: silence, first: sample, now: now)
        var actions: [Action] = [
            .cancelTimer(.reply), .emit(.started(test)), .send(run.acknowledgement(offer, platform)),
            .setTimer(.longestTest, longestTest + Tunables.drain),
        ]
        if run.expectsSignsOfLife { actions.append(.setTimer(.idle, run.idleLimit)) }
        if plan.sends {
            actions.append(.start(SendJob(plan: plan)))
            if let planned = run.plannedEnd { actions.append(.setTimer(.sendingEnd, planned + Tunables.margin)) }
        }
        if !client.speaksQrate {
            // Its first message is due at once, and so xfr's client gets one.
            actions += [.send(run.foreignInterval(sample, now: now)), .setTimer(.interval, Tunables.interval)]
        }
        phase = .running(run)
        return actions
    }

    private func plan(_ client: PeerProtocol, _ test: ServedTest) -> DataPlan {
        var parameters = test.parameters
        if !client.speaksQrate { parameters.interval = Tunables.foreignRow }
        return DataPlan(
            role: .server, testID: test.id, parameters: parameters, peer: PeerTraits(client, here: traits))
    }

    /// What ends a conversation that hasn't come to payload.
    private mutating func beforePayload(_ event: SessionEvent) -> [Action] {
        switch event {
        case .malformed(let error): return refuse(error.failure, .protocolError)
        case .plane(.failed(let error)): return refuse(error.failure, .refused)
        case .timer(.firstLine):
            return refuse(TestFailure(.protocolError, "No hello came within \(Tunables.firstLine)."), .timedOut)
        case .timer(.reply):
            return refuse(TestFailure(.protocolError, "No test was asked for within \(Tunables.reply)."), .timedOut)
        case .timer(.longestTest):
            return refuse(TestFailure(.refused, "No test was asked for within \(longestTest)."), .timedOut)
        case .stopRequested: return refuse(Self.shuttingDown, .shuttingDown)
        case .controlEnded: return leave(TestFailure(.failed, "The client left before a test."))
        case .transportFailed(let error): return leave(error.failure)
        case .received(.cancel(let cancel)):
            let failure = TestFailure(.interrupted, "The client cancelled before payload.")
            phase = .lingering(.cancelled)
            return [
                .emit(.refused(peer: peer.address, failure)), .send(.cancelled(TestReference(id: cancel.id))),
                .setTimer(.linger, Tunables.linger),
            ]
        default: return []
        }
    }

    // MARK: - Ending

    static let shuttingDown = TestFailure(.failed, "The server is shutting down.")

    /// Says why, and waits for the client to leave.
    private mutating func refuse(_ failure: TestFailure, _ reason: CloseReason) -> [Action] {
        phase = .lingering(reason)
        return [
            .emit(.refused(peer: peer.address, failure)), .send(.error(ErrorMessage(failure))),
            .setTimer(.linger, Tunables.linger),
        ]
    }

    private mutating func leave(_ failure: TestFailure) -> [Action] {
        phase = .finished
        return [.emit(.refused(peer: peer.address, failure)), .finish(.done)]
    }

    private mutating func lingering(_ event: SessionEvent, _ reason: CloseReason) -> [Action] {
        switch event {
        case .controlEnded, .transportFailed, .timer(.linger):
            phase = .finished
            return [.finish(reason)]
        default: return []
        }
    }
}
