import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateTransportAPI

/// What the endpoint's thread tells of a connection that carries a share of a test's payload, and no control.
final class QUICDataConnection: QUICConnectionHandler {
    private let number: ConnectionNumber
    private let place: Int
    private let plane: QUICPlaneCore
    private let role: Role
    private var handshakeEnded: HandshakeReporter?
    private var isAttached = false

    /// Called once: nil when the connection is up.
    typealias HandshakeReporter = (QUICConnection, QUICEnding?) -> Void

    init(
        _ number: ConnectionNumber, place: Int, _ plane: QUICPlaneCore, role: Role,
        handshakeEnded: @escaping HandshakeReporter
    ) {
        self.number = number
        self.place = place
        self.plane = plane
        self.role = role
        self.handshakeEnded = handshakeEnded
    }

    var deadline: MonotonicTime { isAttached ? plane.deadline(place) : .never }

    func willReceive(_ connection: QUICConnection, now: MonotonicTime) {
        if isAttached { plane.willReceive(connection, now: now) }
    }

    func willTurn(_ connection: QUICConnection, now: MonotonicTime) {
        if isAttached { plane.willTurn(connection, place: place, now: now) }
    }

    func didTurn(_ connection: QUICConnection, now: MonotonicTime) {
        if isAttached { plane.didTurn(connection, place: place, now: now) }
    }

    func handle(_ event: QUICEvent, _ connection: QUICConnection, now: MonotonicTime) {
        switch event {
        case .handshakeCompleted:
            // Never used: the streams after it have the same IDs on every connection of a test.
            if role == .client { try? connection.openControl() }
            isAttached = true
            plane.attach(connection, number, place: place, now: now)
            endHandshake(connection, nil)
        case .streamsAvailable: plane.startIfAllowed(now: now)
        case .payloadStopped: plane.streamStopped(now: now)
        case .datagramsSent(let count): plane.intake?.announce(place, sent: count)
        case .ended(let ending):
            endHandshake(connection, ending)
            guard isAttached else { return }
            // Each test ends on its control connection. There this end is told who closed what, and why.
            if let error = ending.error(at: role) { plane.failed(error) }
        case .control, .controlEnded, .issuedConnectionID, .retiredConnectionID: break
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
