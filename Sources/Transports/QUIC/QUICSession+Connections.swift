import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSecurity
import QrateSockets
import QrateStatistics
import QrateTransportAPI
import Synchronization

/// Tests on data connections of their own (DESIGN.md section 3).
extension QUICSession {
    /// The client's connections must have begun by then.
    private static let ticketLifetime = Duration.seconds(15)
    /// Connections at once, over all tests of a server: more are refused, not forgotten.
    private static let connectionLimit = 2304

    // MARK: Server

    func offerConnections(
        _ plan: DataPlan, _ base: ConnectionSettings
    ) async throws(TransportError) -> (QUICDataPlane, DataOffer) {
        guard let remote = core.peer else { throw isGone }
        let settings: ConnectionSettings
        do throws(TransportError) {
            settings = try QUICTerms.settings(for: plan.parameters, on: base, remote: remote)
        } catch {
            throw TransportError(error.kind == .usage ? .refused : error.kind, error.message, code: error.code)
        }
        let plane = QUICDataPlane(plan, connections: plan.parameters.settings.connections, settings)
        let secret = ConnectionToken.randomSecret()
        let probing = plan.parameters.measuresLatency ? echo.map { QUICProbing.answering($0) } : nil
        let made = await endpoint.ask { [core] loop in
            Result { () throws(TransportError) in try Self.issue(secret, plane, remote, core, probing, loop) }
        }
        guard let made else { throw isGone }
        do throws(TransportError) { try made.get() } catch {
            throw error.kind == .failed ? isGone : error
        }
        let offer = DataOffer(connectionToken: ConnectionToken.text(secret))
        return (plane, offer)
    }

    /// On the endpoint's thread.
    private static func issue(
        _ secret: [UInt8], _ plane: QUICDataPlane, _ remote: SocketAddress, _ core: QUICSessionCore,
        _ probing: QUICProbing?, _ loop: EndpointLoop
    ) throws(TransportError) {
        let count = plane.connections
        guard loop.connectionCount + count <= connectionLimit else {
            throw TransportError(
                .refused, "the server has \(loop.connectionCount) connections: no room for \(count) more of one test")
        }
        guard let credentials = loop.credentials(of: core.number), let tickets = loop.tickets, core.hold(plane) else {
            throw TransportError(.failed, "")
        }
        core.holdTicket(secret)
        let now = MonotonicClock.now()
        let ticket = ConnectionTicket(
            peer: remote, connections: count, expiry: now + ticketLifetime, settings: plane.settings,
            credentials: credentials, applicationProtocols: [QUICTransport.applicationProtocol]
        ) { [weak tickets] loop, number, _, token in
            QUICDataConnection(number, place: Int(token.place), plane, role: .server, loop, probing: probing) {
                _, ending in
                if ending != nil { tickets?.freePlace(token) }
            }
        }
        tickets.issue(ticket, secret: secret, now: now)
    }

    // MARK: Client

    func openConnections(_ plan: DataPlan, token text: String) async throws(TransportError) -> any DataPlane {
        guard case .client(let dialer) = side, let secret = ConnectionToken.secret(text) else {
            throw TransportError(.protocolError, "the server's connection token is malformed")
        }
        guard let fingerprint = peer.security.flatMap({ Fingerprint("sha256:" + $0.fingerprint) }) else { throw isGone }
        let count = plan.parameters.settings.connections
        // One thread per connection, as far as there are processors for them. This session's own is one of them: it has
        // nothing else to do.
        let endpoints = [endpoint] + (try dialer.further.open(min(count, Processors.available) - 1, to: dialer.remote))
        let plane = QUICDataPlane(plan, connections: count, dialer.settings)
        // The first one is on this session's own thread, like the probes of the idle phase.
        let probing = probeSeries.map { QUICProbing.probing($0, [.loaded]) }
        let failure: TransportError? = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<TransportError?, Never>) in
                let handshakes = Handshakes(count, waiter)
                // Where the endpoint has stopped, nobody is left to answer but `handshakes` itself.
                endpoint.post { [core] _ in
                    guard core.hold(plane) else {
                        return handshakes.conclude(TransportError(.failed, "the connection is gone"))
                    }
                    for place in 0..<count {
                        let token = ConnectionToken(secret: secret, place: UInt8(truncatingIfNeeded: place))
                        endpoints[place % endpoints.count].post { loop in
                            Self.dial(
                                dialer, token, fingerprint, plane, loop, probing: place == 0 ? probing : nil,
                                handshakes)
                        }
                    }
                }
            }
        } onCancel: {
            for endpoint in endpoints { endpoint.post { $0.closeAll(code: CloseReason.cancelled.rawValue) } }
        }
        if let failure { throw failure }
        return plane
    }

    /// On the thread that the connection is going to live on.
    private static func dial(
        _ dialer: DataDialer, _ token: ConnectionToken, _ fingerprint: Fingerprint, _ plane: QUICDataPlane,
        _ loop: EndpointLoop, probing: QUICProbing?, _ handshakes: Handshakes
    ) {
        let made: QUICConnection
        do throws(QUICError) {
            made = try dialer.dial(token, fingerprint, from: loop.local, now: MonotonicClock.now())
        } catch {
            return handshakes.ended(TransportError(.failed, "\(error)", code: Int64(error.code)))
        }
        loop.add(made) { number in
            QUICDataConnection(number, place: Int(token.place), plane, role: .client, loop, probing: probing) {
                connection, ending in
                handshakes.ended(ending.map { dialer.error($0, connection) })
            }
        }
    }
}

/// Makes the connections of a client's session.
struct DataDialer: Sendable {
    let remote: SocketAddress
    let identity: ClientIdentity
    let serverName: String?
    /// As the user wrote it.
    let target: Endpoint
    var settings: ConnectionSettings
    /// Sockets and threads beside the session's own.
    let further: FurtherEndpoints

    /// - Parameters:
    ///   - leaf: The certificate must be the first connection's: that one was judged.
    ///   - local: Where it begins.
    func dial(
        _ token: ConnectionToken?, _ leaf: Fingerprint, from local: SocketAddress,
        applicationProtocol: String = QUICTransport.applicationProtocol, sessions: SessionMemory? = nil,
        now: MonotonicTime
    ) throws(QUICError) -> QUICConnection {
        let trust = ServerTrust(.pinned(leaf), endpoint: "\(target.host):\(target.port)")
        let made = local.withBytes { local in
            remote.withBytes { remote in
                Result { () throws(QUICError) in
                    try QUICConnection.client(
                        local: local, remote: remote, identity: identity, trust: trust, serverName: serverName,
                        applicationProtocols: [applicationProtocol], token: token,
                        sessions: sessions, settings: settings, now: now)
                }
            }
        }
        return try made.get()
    }

    /// Why a data connection didn't come to be.
    func error(_ ending: QUICEnding, _ connection: QUICConnection) -> TransportError {
        let name = "\(target.host):\(target.port)"
        if case .refused? = connection.verdict {
            return TransportError(
                .certificate,
                "\(name) presents another certificate on the test's data connection than before: somebody may be in "
                    + "between, or it was replaced just now; try again")
        }
        if case .transportErrorFromPeer(code: QUICErrorCode.invalidToken, _) = ending {
            return TransportError(
                .failed,
                "\(name) refused a data connection: its token came too late or from another address than the control "
                    + "connection", code: Int64(QUICErrorCode.invalidToken))
        }
        let error = ending.error(at: .client)
        return TransportError(
            error?.kind ?? .failed, "no data connection to \(name): \(error?.message ?? "it was closed")",
            code: error?.code)
    }
}

/// Waits for the handshakes of several connections, or for the first that fails.
private final class Handshakes: Sendable {
    private let state: Mutex<State>

    private struct State {
        var missing: Int
        var waiter: CheckedContinuation<TransportError?, Never>?
    }

    init(_ count: Int, _ waiter: CheckedContinuation<TransportError?, Never>) {
        state = Mutex(State(missing: count, waiter: waiter))
    }

    deinit { conclude(TransportError(.failed, "the connection is gone")) }

    /// - Parameter error: nil for one that is complete.
    func ended(_ error: TransportError?) {
        let isOver = state.withLock { state in
            state.missing -= 1
            return error != nil || state.missing <= 0
        }
        if isOver { conclude(error) }
    }

    func conclude(_ error: TransportError?) {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: error)
    }
}
