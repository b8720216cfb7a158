import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSockets
import QrateStatistics
import QrateTransportAPI

/// A session's half on the endpoint's thread.
///
/// `@unchecked Sendable`: other threads hold it to name it in work that they post to the endpoint; every property that
/// isn't `Sendable` by itself is touched on the endpoint's thread alone.
final class QUICSessionCore: QUICConnectionHandler, @unchecked Sendable {
    let number: ConnectionNumber
    let inbox = ControlInbox()
    /// Opens when the connection is over.
    let hasEnded = Latch()
    /// Whose thread this is. Set when the connection is made.
    weak var loop: EndpointLoop?
    /// At a server: the client, as it came.
    let peer: SocketAddress?
    /// At a server: what the test's data connections show.
    private var ticket: [UInt8]?
    /// Whether the peer is an xfr, by its application protocol.
    private(set) var speaksXfr = false
    private let role: Role
    private let startedAt: MonotonicTime
    /// Called once, when the handshake is complete or has failed.
    private var handshakeEnded: HandshakeReporter?
    private var plane: QUICDataPlane?
    /// While latency is measured.
    private var probing: QUICProbing?
    /// Where this connection carries the payload itself.
    private var lane: QUICLane?
    /// At a client: how long after its first packet the handshake was confirmed.
    private var confirmedAfter: Duration?
    private var isEnded = false
    private var closing: Closing?
    /// At a server: the handshake is complete, and the client hasn't said anything yet.
    private var silence: Silence?
    private var unreachableSince: MonotonicTime?

    typealias HandshakeReporter = (QUICSessionCore, QUICConnection, HandshakeOutcome) -> Void

    enum HandshakeOutcome {
        case completed(after: Duration)
        case failed(QUICEnding)
        /// The host answered that nothing listens there.
        case portUnreachable
    }

    private struct Closing {
        let reason: CloseReason
        /// Then the connection is closed even if the peer hasn't taken the last control bytes.
        var deadline: MonotonicTime
        /// They were taken; only an xfr's pause is waited for.
        var isFlushed = false
    }

    private struct Silence {
        let handshake: Duration
        /// When the connection becomes a session all the same, which has its own patience.
        let deadline: MonotonicTime
    }

    /// A client that comes for the handshake and leaves costs no session, and no line in a log. All others speak at once.
    private static let longestSilence = Duration.milliseconds(500)

    /// An xfr server ends its half of the control stream and closes so much later: its clients may rely on that.
    private static let xfrPause = Duration.milliseconds(100)

    /// How long the last control message may take to be acknowledged before the connection is closed anyway.
    private static let flushTime = Duration.seconds(2)
    /// A running test is given up when the peer's host said for this long that the port is closed.
    private static let unreachableTime = Duration.seconds(1)

    init(
        _ number: ConnectionNumber, role: Role, peer: SocketAddress? = nil,
        now: MonotonicTime, handshakeEnded: @escaping HandshakeReporter
    ) {
        self.number = number
        self.role = role
        self.peer = peer
        startedAt = now
        self.handshakeEnded = handshakeEnded
    }

    // MARK: Commands, posted by QUICSession

    /// A plane on this connection.
    func openPlane(_ plan: DataPlan, _ connection: QUICConnection, now: MonotonicTime) -> QUICDataPlane? {
        let made = QUICDataPlane(plan, connections: 1, connection.settings)
        guard hold(made), let loop else { return nil }
        lane = made.attach(connection, number, place: 0, isOwn: false, loop, now: now)
        // Payload is on this connection, and so are its probes.
        if case .probing(let series, _)? = probing { probing = .probing(series, [.idle, .loaded]) }
        return made
    }

    /// Takes a plane on connections of its own, which attach as they come.
    ///
    /// - Returns: false when there is a plane already, or the connection is over.
    func hold(_ made: QUICDataPlane) -> Bool {
        guard plane == nil, !isEnded else {
            made.ended()
            return false
        }
        plane = made
        if let loop { made.setControl(number, on: loop) }
        if let confirmedAfter { made.handshakeConfirmed(after: confirmedAfter) }
        return true
    }

    /// At a server: the client's latency probes are answered from now on. At a client: they are sent.
    func probe(_ probing: QUICProbing, _ connection: QUICConnection) {
        self.probing = probing
        connection.allowProbes()
    }

    /// The series has something to do, on this connection or on one with payload.
    func touchProbes(_ loop: EndpointLoop) {
        loop.touch(number)
        plane?.touchAll()
    }

    func holdTicket(_ secret: [UInt8]) { ticket = secret }

    /// Closes once the control bytes are through; ``hasEnded`` tells when.
    func close(_ reason: CloseReason, _ connection: QUICConnection, now: MonotonicTime) {
        guard !isEnded, closing == nil else { return }
        closing = Closing(reason: reason, deadline: now + Self.flushTime)
        closeIfFlushed(connection, now: now)
    }

    private func closeIfFlushed(_ connection: QUICConnection, now: MonotonicTime) {
        guard var closing, !isEnded else { return }
        guard connection.unacknowledgedControl == 0 || now >= closing.deadline else { return }
        if speaksXfr, role == .server {
            if !closing.isFlushed {
                closing.isFlushed = true
                closing.deadline = now + Self.xfrPause
                self.closing = closing
                connection.finishControl()
            }
            guard now >= closing.deadline else { return }
            plane?.closeConnections(closing.reason)
            return connection.close(code: CloseReason.done.rawValue, reason: "")
        }
        plane?.closeConnections(closing.reason)
        connection.close(code: closing.reason.rawValue, reason: "\(closing.reason)")
    }

    // MARK: QUICConnectionHandler

    var deadline: MonotonicTime {
        guard !isEnded else { return .never }
        let ends = min(closing?.deadline ?? .never, silence?.deadline ?? .never)
        return min(lane?.deadline ?? .never, min(ends, probing?.deadline ?? .never))
    }

    func willReceive(_ connection: QUICConnection, now: MonotonicTime) {
        unreachableSince = nil
        lane?.willReceive(now: now)
    }

    func willTurn(_ connection: QUICConnection, now: MonotonicTime) {
        guard !isEnded else { return }
        lane?.willTurn(now: now)
        probing?.turn(connection, now: now)
    }

    func didSend(_ connection: QUICConnection, workSince began: MonotonicTime, isSocketFull: Bool) {
        if !isEnded { lane?.didSend(workSince: began, isSocketFull: isSocketFull) }
    }

    func didTurn(_ connection: QUICConnection, now: MonotonicTime) {
        guard !isEnded else { return }
        if let silence, now >= silence.deadline { breakSilence(connection) }
        lane?.didTurn(now: now)
        closeIfFlushed(connection, now: now)
    }

    func handle(_ event: QUICEvent, _ connection: QUICConnection, now: MonotonicTime) {
        switch event {
        case .handshakeCompleted:
            speaksXfr = connection.applicationProtocol == QUICTransport.xfrProtocol
            guard role == .client else {
                silence = Silence(handshake: now - startedAt, deadline: now + Self.longestSilence)
                return
            }
            if (try? connection.openControl()) == nil {
                // A server that allows no stream can't be spoken to, and would be waited for as long as it likes.
                endHandshake(connection, .failed(.libraryError(.noControlStream)))
                return connection.close(code: CloseReason.protocolError.rawValue, reason: "no control stream")
            }
            endHandshake(connection, .completed(after: now - startedAt))
        case .handshakeConfirmed:
            confirmedAfter = now - startedAt
            plane?.handshakeConfirmed(after: now - startedAt)
        case .control(let bytes):
            inbox.append(bytes)
            breakSilence(connection)
        case .controlEnded:
            inbox.end(.ended)
            breakSilence(connection)
        case .streamsAvailable: lane?.checkReady(now: now)
        case .payloadStopped: lane?.streamStopped(now: now)
        case .datagramsSent(let count): lane?.announce(sent: count)
        case .latencyProbe(let message, let time): probing?.handle(message, connection, at: time)
        case .ended(let ending):
            silence = nil
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

    /// The client is there for more than the handshake.
    private func breakSilence(_ connection: QUICConnection) {
        guard let silence else { return }
        self.silence = nil
        endHandshake(connection, .completed(after: silence.handshake))
    }

    // MARK: Ending

    private func endHandshake(_ connection: QUICConnection, _ outcome: HandshakeOutcome) {
        let report = handshakeEnded
        handshakeEnded = nil
        report?(self, connection, outcome)
    }

    /// - Parameter error: nil when the connection was closed in order.
    private func finish(_ error: TransportError?, _ connection: QUICConnection, now: MonotonicTime) {
        guard !isEnded else { return }
        isEnded = true
        lane?.end(now: now)
        lane = nil
        if let plane {
            _ = plane.window.closeWindow(at: now)
            plane.closeConnections(error == nil ? .done : .cancelled)
        }
        if let ticket { loop?.tickets?.revoke(ticket) }
        if let error {
            inbox.end(.failed(error))
            plane?.failed(error)
        } else {
            inbox.end(.ended)
            plane?.ended()
        }
        closing = nil
        if case .probing(let series, _)? = probing { series.close() }
        hasEnded.open()
    }
}
