import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateTransportAPI

/// What the endpoint's thread tells of a connection that carries a share of a test's payload, and no control.
final class QUICDataConnection: QUICConnectionHandler {
    private let number: ConnectionNumber
    private let place: Int
    private let plane: QUICDataPlane
    private let role: Role
    private weak var loop: EndpointLoop?
    /// Where latency is measured.
    private let probing: QUICProbing?
    private var handshakeEnded: HandshakeReporter?
    /// Once the handshake is complete.
    private var lane: QUICLane?

    /// Called once: nil when the connection is up.
    typealias HandshakeReporter = (QUICConnection, QUICEnding?) -> Void

    init(
        _ number: ConnectionNumber, place: Int, _ plane: QUICDataPlane, role: Role, _ loop: EndpointLoop,
        probing: QUICProbing?, handshakeEnded: @escaping HandshakeReporter
    ) {
        self.number = number
        self.place = place
        self.plane = plane
        self.role = role
        self.loop = loop
        self.probing = probing
        self.handshakeEnded = handshakeEnded
    }

    var deadline: MonotonicTime {
        guard let lane else { return .never }
        return min(lane.deadline, probing?.deadline ?? .never)
    }

    func willReceive(_ connection: QUICConnection, now: MonotonicTime) { lane?.willReceive(now: now) }

    func willTurn(_ connection: QUICConnection, now: MonotonicTime) {
        lane?.willTurn(now: now)
        if lane != nil { probing?.turn(connection, now: now) }
    }

    func didSend(_ connection: QUICConnection, workSince began: MonotonicTime, isSocketFull: Bool) {
        lane?.didSend(workSince: began, isSocketFull: isSocketFull)
    }

    func didTurn(_ connection: QUICConnection, now: MonotonicTime) { lane?.didTurn(now: now) }

    func handle(_ event: QUICEvent, _ connection: QUICConnection, now: MonotonicTime) {
        switch event {
        case .handshakeCompleted:
            // Never used: the streams after it have the same IDs on every connection of a test.
            if role == .client { try? connection.openControl() }
            if probing != nil { connection.allowProbes() }
            if let loop {
                lane = plane.attach(connection, number, place: place, isOwn: true, loop, now: now)
            }
            endHandshake(connection, nil)
        case .streamsAvailable: lane?.checkReady(now: now)
        case .payloadStopped: lane?.streamStopped(now: now)
        case .datagramsSent(let count): lane?.announce(sent: count)
        case .latencyProbe(let message, let time): probing?.handle(message, connection, at: time)
        case .ended(let ending):
            endHandshake(connection, ending)
            guard let lane else { return }
            self.lane = nil
            lane.end(now: now)
            // Each test ends on its control connection. There this end is told who closed what, and why.
            if let error = ending.error(at: role) { plane.failed(error) }
        case .handshakeConfirmed, .control, .controlEnded, .issuedConnectionID, .retiredConnectionID: break
        }
    }

    /// The session's own connection hears of it too, and decides.
    func peerUnreachable(_ connection: QUICConnection, now: MonotonicTime) {}

    private func endHandshake(_ connection: QUICConnection, _ ending: QUICEnding?) {
        let report = handshakeEnded
        handshakeEnded = nil
        report?(connection, ending)
    }
}
