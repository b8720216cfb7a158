import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Synchronization

/// A control connection over TCP or TLS as orchestrators see it, with data planes of every kind that goes beside it.
final class StreamSession: TransportSession, ControlChannel {
    let peer: PeerIdentity
    private let connection: ControlConnection
    private let loop: StreamLoop
    private let core: ControlCore
    private let makers: [TransportKind: any PlaneMaker]
    /// A client's session has a loop of its own, which ends with it.
    private let ownsLoop: Bool
    private let makeLanes: MakeLanes?
    private let makeProbes: MakeProbes?
    /// At a server: what answers latency probes.
    private let echo: EchoDoor?
    private let state = Mutex(State())

    /// Of a client, how it connects again: see ``TransportSession/handshakeLanes(_:)``.
    typealias MakeLanes = @Sendable (Int) throws(TransportError) -> any HandshakeLanes
    /// Of a client, how it sends latency probes. Blocks.
    typealias MakeProbes = @Sendable (DataPlan, FlowToken) throws(TransportError) -> SessionProbes

    private struct State {
        var planes: [any SessionPlane] = []
        var probeToken: FlowToken?
        var probes: SessionProbes?
        var isClosing = false
    }

    init(
        peer: PeerIdentity, connection: ControlConnection, loop: StreamLoop, core: ControlCore,
        makers: [TransportKind: any PlaneMaker], ownsLoop: Bool, echo: EchoDoor? = nil, makeLanes: MakeLanes? = nil,
        makeProbes: MakeProbes? = nil
    ) {
        self.peer = peer
        self.connection = connection
        self.loop = loop
        self.core = core
        self.makers = makers
        self.ownsLoop = ownsLoop
        self.makeLanes = makeLanes
        self.makeProbes = makeProbes
        self.echo = echo
    }

    var control: any ControlChannel { self }

    // MARK: Control

    func send(_ bytes: [UInt8]) async throws(TransportError) {
        let isTaken = await loop.ask { [core] turn in core.send(bytes, turn) }
        if isTaken != true { throw TransportError(.failed, "the connection to \(peer.address) is gone") }
    }

    func receive() async throws(TransportError) -> [UInt8]? {
        guard let bytes = try await core.inbox.next() else { return nil }
        loop.post { [core] turn in turn.poke(core) }  // there is room for more
        return bytes
    }

    // MARK: Data

    func offer(_ plan: DataPlan) async throws(TransportError) -> (any DataPlane, DataOffer) {
        var (plane, offer) = try await maker(plan).offer(plan, beside: connection)
        try await keep(plane)
        offer.probeToken = offerProbes(plan)
        return (plane, offer)
    }

    func open(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any DataPlane {
        let plane = try await maker(plan).open(plan, offer, beside: connection)
        try await keep(plane)
        return plane
    }

    private func maker(_ plan: DataPlan) throws(TransportError) -> any PlaneMaker {
        let kind = plan.parameters.transport
        if let maker = makers[kind] { return maker }
        let able = makers.keys.map(\.rawValue).sorted().joined(separator: ", ")
        throw TransportError(.refused, "a \(kind.rawValue) test can't run beside this connection, only: \(able)")
    }

    private func keep(_ plane: any SessionPlane) async throws(TransportError) {
        let isKept = state.withLock { state in
            if !state.isClosing { state.planes.append(plane) }
            return !state.isClosing
        }
        guard !isKept else { return }
        await plane.close()
        throw TransportError(.failed, "the connection to \(peer.address) is closed")
    }

    // MARK: Latency

    /// - Returns: The token that the test's probes show; nil in one that has none.
    private func offerProbes(_ plan: DataPlan) -> String? {
        guard plan.parameters.measuresLatency, let echo else { return nil }
        let settings = plan.parameters.settings
        let token = echo.register(host: connection.remote.host, typeOfService: settings.typeOfService)
        let isClosing = state.withLock { state in
            state.probeToken = token
            return state.isClosing
        }
        if isClosing { echo.remove(token) }
        return token.hexadecimal
    }

    func latencyProbes(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any LatencyProbes {
        guard let makeProbes, let token = offer.probeToken.flatMap({ FlowToken(hexadecimal: $0) }) else {
            throw TransportError(.protocolError, "the server's token for latency probes is malformed")
        }
        let made = await DedicatedThread.run(name: "qrate-connect") {
            Result { () throws(TransportError) in try makeProbes(plan, token) }
        }
        let probes = try made.get()
        let isKept = state.withLock { state in
            if !state.isClosing { state.probes = probes }
            return !state.isClosing
        }
        guard !isKept else { return probes }
        await probes.close()
        throw TransportError(.failed, "the connection to \(peer.address) is closed")
    }

    func handshakeLanes(_ count: Int) throws(TransportError) -> any HandshakeLanes {
        guard let makeLanes else { throw TransportError(.usage, "a server makes no connections") }
        return try makeLanes(count)
    }

    func close(_ reason: CloseReason) async {
        connection.stop.raise()
        let (planes, token, probes) = state.withLock { state in
            state.isClosing = true
            return (state.planes, state.probeToken, state.probes)
        }
        if let token { echo?.remove(token) }
        await probes?.close()
        for plane in planes { await plane.close() }
        let isClosing = await loop.ask { [core] turn in core.close(turn, now: MonotonicClock.now()) } != nil
        if isClosing { await core.hasEnded.wait() }
        if ownsLoop { await loop.stop() }
    }
}
