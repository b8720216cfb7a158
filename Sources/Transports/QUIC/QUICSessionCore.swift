import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSockets
import QrateTransportAPI
import Synchronization

/// A session's half on the endpoint's thread.
///
/// `@unchecked Sendable`: other threads hold it to name it in work that they post to the endpoint; every property that
/// isn't `Sendable` by itself is touched on the endpoint's thread alone.
final class QUICSessionCore: QUICConnectionHandler, @unchecked Sendable {
    let number: ConnectionNumber
    let inbox = ControlInbox()
    /// Opens when the connection is over.
    let hasEnded = Latch()
    private let socket: DatagramSocket
    /// The plane's last state, kept when the connection ends.
    private let kept = Mutex<Final?>(nil)
    private let role: Role
    private let startedAt: MonotonicTime
    /// Called once, when the handshake is complete or has failed.
    private var handshakeEnded: HandshakeReporter?
    private var plane: QUICPlaneCore?
    private var isEnded = false
    private var closing: Closing?
    private var unreachableSince: MonotonicTime?

    typealias HandshakeReporter = (QUICSessionCore, QUICConnection, HandshakeOutcome) -> Void

    enum HandshakeOutcome {
        case completed(after: Duration)
        case failed(QUICEnding)
        /// The host answered that nothing listens there.
        case portUnreachable
    }

    struct Final {
        let sample: PlaneSample
        let window: ClosedWindow
    }

    private struct Closing {
        let reason: CloseReason
        /// Then the connection is closed even if the peer hasn't taken the last control bytes.
        let deadline: MonotonicTime
    }

    /// How long the last control message may take to be acknowledged before the connection is closed anyway.
    private static let flushTime = Duration.seconds(2)
    /// A running test is given up when the peer's host said for this long that the port is closed.
    private static let unreachableTime = Duration.seconds(1)

    init(
        _ number: ConnectionNumber, _ socket: DatagramSocket, role: Role, now: MonotonicTime,
        handshakeEnded: @escaping HandshakeReporter
    ) {
        self.number = number
        self.socket = socket
        self.role = role
        startedAt = now
        self.handshakeEnded = handshakeEnded
    }

    // MARK: Commands, posted by QUICSession and QUICDataPlane

    func openPlane(_ plan: DataPlan, _ events: AsyncStream<PlaneEvent>.Continuation, _ connection: QUICConnection) {
        guard plane == nil, !isEnded else { return events.finish() }
        plane = QUICPlaneCore(plan, events, connection)
    }

    func withPlane<Result>(_ body: (QUICPlaneCore) -> Result) -> Result? { plane.map(body) }

    /// Closes once the control bytes are through; ``hasEnded`` tells when.
    func close(_ reason: CloseReason, _ connection: QUICConnection, now: MonotonicTime) {
        guard !isEnded, closing == nil else { return }
        closing = Closing(reason: reason, deadline: now + Self.flushTime)
        closeIfFlushed(connection, now: now)
    }

    private func closeIfFlushed(_ connection: QUICConnection, now: MonotonicTime) {
        guard let closing, !isEnded else { return }
        guard connection.unacknowledgedControl == 0 || now >= closing.deadline else { return }
        connection.close(code: closing.reason.rawValue, reason: "\(closing.reason)")
    }

    // MARK: QUICConnectionHandler

    var deadline: MonotonicTime {
        guard !isEnded else { return .never }
        return min(plane?.deadline ?? .never, closing?.deadline ?? .never)
    }

    func willReceive(_ connection: QUICConnection, now: MonotonicTime) {
        unreachableSince = nil
        plane?.willReceive(connection, now: now)
    }

    func didTurn(_ connection: QUICConnection, now: MonotonicTime) {
        guard !isEnded else { return }
        plane?.didTurn(connection, now: now)
        closeIfFlushed(connection, now: now)
    }

    func handle(_ event: QUICEvent, _ connection: QUICConnection, now: MonotonicTime) {
        switch event {
        case .handshakeCompleted:
            if role == .client, (try? connection.openControl()) == nil {
                // A server that allows no stream can't be spoken to, and would be waited for as long as it likes.
                endHandshake(connection, .failed(.libraryError(.noControlStream)))
                return connection.close(code: CloseReason.protocolError.rawValue, reason: "no control stream")
            }
            endHandshake(connection, .completed(after: now - startedAt))
        case .control(let bytes): inbox.append(bytes)
        case .controlEnded: inbox.end(.ended)
        case .streamsAvailable: plane?.startIfAllowed(connection, now: now)
        case .ended(let ending):
            endHandshake(connection, .failed(ending))
            finish(ending.error(at: role), connection, now: now)
        case .issuedConnectionID, .retiredConnectionID: break  // the endpoint's own
        }
    }

    func peerUnreachable(_ connection: QUICConnection, now: MonotonicTime) {
        guard connection.isHandshakeComplete else { return endHandshake(connection, .portUnreachable) }
        let since = unreachableSince ?? now
        unreachableSince = since
        guard now - since >= Self.unreachableTime, !isEnded else { return }
        finish(
            TransportError(.failed, "the server is gone: its host says that nothing listens on its port any more"),
            connection, now: now)
        connection.close(code: CloseReason.timedOut.rawValue, reason: "peer gone")
    }

    // MARK: Ending

    private func endHandshake(_ connection: QUICConnection, _ outcome: HandshakeOutcome) {
        let report = handshakeEnded
        handshakeEnded = nil
        report?(self, connection, outcome)
    }

    /// The plane's last state; nil while it lives.
    var final: Final? { kept.withLock { $0 } }

    /// - Parameter error: nil when the connection was closed in order.
    private func finish(_ error: TransportError?, _ connection: QUICConnection, now: MonotonicTime) {
        guard !isEnded else { return }
        isEnded = true
        if let plane {
            let window = plane.closeWindow(connection, now: now)
            let last = Final(sample: plane.sample(connection, socket, now: now), window: window)
            kept.withLock { $0 = last }
        }
        if let error {
            inbox.end(.failed(error))
            plane?.failed(error)
        } else {
            inbox.end(.ended)
            plane?.ended()
        }
        closing = nil
        hasEnded.open()
    }
}
