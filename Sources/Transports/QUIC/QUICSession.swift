import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSockets
import QrateTransportAPI

/// One QUIC connection as orchestrators see it: stream 0 for control, and data planes made of its data streams.
final class QUICSession: TransportSession, ControlChannel {
    let peer: PeerIdentity
    private let endpoint: QUICEndpoint
    private let core: QUICSessionCore
    /// A client's session has an endpoint of its own, which ends with it.
    private let ownsEndpoint: Bool

    init(peer: PeerIdentity, endpoint: QUICEndpoint, core: QUICSessionCore, ownsEndpoint: Bool) {
        self.peer = peer
        self.endpoint = endpoint
        self.core = core
        self.ownsEndpoint = ownsEndpoint
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
        if isTaken != true { throw TransportError(.failed, "the connection to \(peer.address) is gone") }
    }

    func receive() async throws(TransportError) -> [UInt8]? {
        guard let bytes = try await core.inbox.next() else { return nil }
        endpoint.post { [core] loop in loop.with(core.number) { $0.consumedControl(bytes.count) } }
        return bytes
    }

    // MARK: Data

    func offer(_ plan: DataPlan) async throws(TransportError) -> (any DataPlane, DataOffer) {
        (try await makePlane(plan), DataOffer())
    }

    func open(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any DataPlane {
        guard offer.ports.isEmpty else {
            throw TransportError(.protocolError, "the server offers separate data ports for a QUIC test")
        }
        return try await makePlane(plan)
    }

    private func makePlane(_ plan: DataPlan) async throws(TransportError) -> any DataPlane {
        let (events, continuation) = AsyncStream.makeStream(of: PlaneEvent.self)
        let isOpen = await endpoint.ask { [core] loop in
            loop.with(core.number) { core.openPlane(plan, continuation, $0) } != nil
        }
        guard isOpen == true else { throw TransportError(.failed, "the connection to \(peer.address) is gone") }
        return QUICDataPlane(plan, events, endpoint, core)
    }

    func close(_ reason: CloseReason) async {
        let isClosing = await endpoint.ask { [core] loop in
            loop.with(core.number) { core.close(reason, $0, now: MonotonicClock.now()) } != nil
        }
        if isClosing == true { await core.hasEnded.wait() }
        if ownsEndpoint { await endpoint.stop() }
    }
}
