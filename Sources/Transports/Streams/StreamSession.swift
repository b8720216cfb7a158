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
    private let state = Mutex(State())

    /// Of a client, how it connects again: see ``TransportSession/handshakeLanes(_:)``.
    typealias MakeLanes = @Sendable (Int) throws(TransportError) -> any HandshakeLanes

    private struct State {
        var planes: [any SessionPlane] = []
        var isClosing = false
    }

    init(
        peer: PeerIdentity, connection: ControlConnection, loop: StreamLoop, core: ControlCore,
        makers: [TransportKind: any PlaneMaker], ownsLoop: Bool, makeLanes: MakeLanes? = nil
    ) {
        self.peer = peer
        self.connection = connection
        self.loop = loop
        self.core = core
        self.makers = makers
        self.ownsLoop = ownsLoop
        self.makeLanes = makeLanes
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
        let (plane, offer) = try await maker(plan).offer(plan, beside: connection)
        try await keep(plane)
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

    func handshakeLanes(_ count: Int) throws(TransportError) -> any HandshakeLanes {
        guard let makeLanes else { throw TransportError(.usage, "a server makes no connections") }
        return try makeLanes(count)
    }

    func close(_ reason: CloseReason) async {
        connection.stop.raise()
        let planes = state.withLock { state in
            state.isClosing = true
            return state.planes
        }
        for plane in planes { await plane.close() }
        let isClosing = await loop.ask { [core] turn in core.close(turn, now: MonotonicClock.now()) } != nil
        if isClosing { await core.hasEnded.wait() }
        if ownsLoop { await loop.stop() }
    }
}
