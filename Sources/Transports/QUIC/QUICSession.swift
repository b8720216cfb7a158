import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSecurity
import QrateSockets
import QrateTransportAPI
import Synchronization

/// One QUIC connection as orchestrators see it: stream 0 for control, and data planes made of its data streams.
final class QUICSession: TransportSession, ControlChannel {
    let peer: PeerIdentity
    let endpoint: QUICEndpoint
    let core: QUICSessionCore
    let side: Side
    /// At a server: what answers latency probes.
    let echo: EchoDoor?
    let latency = Mutex(LatencyState())

    /// What only one of the two ends has.
    enum Side {
        case client(DataDialer)
        /// How this server makes connections that no test says anything about.
        case server(ConnectionSettings)
    }

    init(peer: PeerIdentity, endpoint: QUICEndpoint, core: QUICSessionCore, _ side: Side, echo: EchoDoor? = nil) {
        self.peer = peer
        self.endpoint = endpoint
        self.core = core
        self.side = side
        self.echo = echo
    }

    var control: any ControlChannel { self }

    // MARK: Control

    /// A peer that takes no control bytes must not make us keep more than this.
    private static let controlBacklog = 4 << 20

    func send(_ bytes: [UInt8]) async throws(TransportError) {
        let isTaken = await endpoint.ask { [core] loop in
            loop.with(core.number) { connection in
                guard connection.unacknowledgedControl < Self.controlBacklog else { return false }
                connection.sendControl(bytes)
                return true
            } ?? false
        }
        if isTaken != true { throw isGone }
    }

    func receive() async throws(TransportError) -> [UInt8]? {
        guard let bytes = try await core.inbox.next() else { return nil }
        endpoint.post { [core] loop in loop.with(core.number) { $0.consumedControl(bytes.count) } }
        return bytes
    }

    // MARK: Data

    func offer(_ plan: DataPlan) async throws(TransportError) -> (any DataPlane, DataOffer) {
        var (plane, offer) = try await offerPlane(plan)
        offer.probeToken = try await offerProbes(plan, plane.probes)
        return (plane, offer)
    }

    private func offerPlane(_ plan: DataPlan) async throws(TransportError) -> (QUICDataPlane, DataOffer) {
        guard case .server(let base) = side else { return (try await makePlane(plan), DataOffer()) }
        do throws(TransportError) {
            try QUICTerms.check(plan.parameters)
        } catch {
            throw TransportError(.refused, error.message)
        }
        guard QUICTerms.needsOwnConnections(plan.parameters, at: base) else {
            return (try await makePlane(plan), DataOffer())
        }
        return try await offerConnections(plan, base)
    }

    func open(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any DataPlane {
        guard offer.ports.isEmpty else {
            throw TransportError(.protocolError, "the server offers separate data ports for a QUIC test")
        }
        if core.speaksXfr, plan.direction != .bidirectional, plan.streams > Self.xfrStreamLimit {
            throw TransportError(
                .usage,
                "an xfr server takes no more than \(Self.xfrStreamLimit) QUIC streams in one direction, not "
                    + "\(plan.streams): use fewer with -P, or --bidir")
        }
        if let text = offer.connectionToken { return try await openConnections(plan, token: text) }
        guard plan.parameters.settings.connections <= 1 else {
            throw TransportError(.protocolError, "the server offers no further connections, as --connections needs")
        }
        return try await makePlane(plan)
    }

    private static let xfrStreamLimit = 100

    private func makePlane(_ plan: DataPlan) async throws(TransportError) -> QUICDataPlane {
        let plane = await endpoint.ask { [core] loop in
            loop.with(core.number) { core.openPlane(plan, $0, now: MonotonicClock.now()) } ?? nil
        }
        guard let plane = plane ?? nil else { throw isGone }
        return plane
    }

    func handshakeLanes(_ count: Int) throws(TransportError) -> any HandshakeLanes {
        guard case .client(let dialer) = side, let security = peer.security,
            let fingerprint = Fingerprint("sha256:" + security.fingerprint)
        else { throw TransportError(.usage, "a server makes no connections") }
        return try QUICHandshakeLanes(count, dialer, fingerprint, applicationProtocol: security.applicationProtocol)
    }

    var isGone: TransportError { TransportError(.failed, "the connection to \(peer.address) is gone") }

    func close(_ reason: CloseReason) async {
        await endProbes()
        let isClosing = await endpoint.ask { [core] loop in
            loop.with(core.number) { core.close(reason, $0, now: MonotonicClock.now()) } != nil
        }
        if isClosing == true { await core.hasEnded.wait() }
        // A client's session has endpoints of its own, which end with it.
        guard case .client(let dialer) = side else { return }
        await withDiscardingTaskGroup { tasks in
            for endpoint in [endpoint] + dialer.further.all { tasks.addTask { await endpoint.stop() } }
        }
    }
}
