import QrateMeasurement
package import QrateQUICCore
import QrateQUICDriver
package import QrateSecurity
import QrateSockets
package import QrateTransportAPI
import Synchronization

/// A server's QUIC transport on its front door.
package final class QUICListener: TransportListener {
    package let port: UInt16
    package let sessions: AsyncStream<any TransportSession>
    package let refusals: AsyncStream<RefusedClient>
    private let door: FrontDoor
    private let endpoint: QUICEndpoint
    private let arrivals: Arrivals

    /// Where the endpoint's thread puts the clients that came.
    private struct Arrivals {
        let sessions: AsyncStream<any TransportSession>.Continuation
        let refusals: AsyncStream<RefusedClient>.Continuation
    }

    /// Connections at once, handshakes included. Far more than tests are allowed, so that whoever is refused can be
    /// told so; few enough that what they may send unread (256 KiB of control each before a test) doesn't exhaust memory.
    private static let connectionLimit = 1280
    /// Refusals that wait to be logged: a log that is slower than a flood of clients misses some.
    private static let refusalBacklog = 256

    package struct Options: Sendable {
        package var settings = ConnectionSettings()
        /// Every client must prove its address first, for one round trip more (RFC 9000 §8.1.2).
        package var demandsRetry = false
        /// What clients may speak (ALPN).
        package var applicationProtocols = QUICTransport.applicationProtocols

        package init() {}
    }

    /// - Parameter credentials: Asked for each new connection, so that certificates can be replaced while the server
    ///   runs.
    package init(
        on door: FrontDoor, _ options: Options, credentials: @escaping @Sendable () -> ServerCredentials
    ) throws(TransportError) {
        self.door = door
        port = door.port
        let (sessions, session) = AsyncStream.makeStream(of: (any TransportSession).self)
        let (refusals, refusal) = AsyncStream.makeStream(
            of: RefusedClient.self, bufferingPolicy: .bufferingOldest(Self.refusalBacklog))
        self.sessions = sessions
        self.refusals = refusals
        let arrivals = Arrivals(sessions: session, refusals: refusal)
        self.arrivals = arrivals
        let place = EndpointPlace()
        var acceptor = QUICEndpoint.Acceptor(
            gate: ServerGate(demandsRetry: options.demandsRetry),
            applicationProtocols: options.applicationProtocols, settings: options.settings,
            connectionLimit: Self.connectionLimit, credentials: credentials
        ) { [settings = options.settings] loop, number, peer in
            let core = Self.makeCore(number, peer: peer, door.datagrams, place, arrivals, settings)
            core.loop = loop
            return core
        }
        acceptor.others = { [flows = door.flows] in flows.handle($0) }
        do throws(SocketError) {
            endpoint = try QUICEndpoint(door.datagrams, name: "qrate-server", acceptor: acceptor)
        } catch {
            throw TransportError(.failed, "cannot serve QUIC: \(error)", code: Int64(error.code))
        }
        place.set(endpoint)
    }

    private static func makeCore(
        _ number: ConnectionNumber, peer: SocketAddress, _ socket: DatagramSocket, _ place: EndpointPlace,
        _ arrivals: Arrivals, _ settings: ConnectionSettings
    ) -> QUICSessionCore {
        let now = MonotonicClock.now()
        return QUICSessionCore(number, socket, role: .server, peer: peer, now: now) { core, connection, outcome in
            if let refusal = connection.clientRefusal {
                arrivals.refusals.yield(RefusedClient(address: "\(peer)", failure: refusal.failure))
            }
            // A handshake that fails leaves nothing behind, and a scanner's garbage is not worth a line in the log.
            guard case .completed(let duration) = outcome, let endpoint = place.endpoint else { return }
            let identity = PeerIdentity(
                address: "\(peer)", handshake: HandshakeReport(duration: duration, isResumed: connection.isResumed),
                security: SecurityReport(connection), transports: [.quic])
            arrivals.sessions.yield(QUICSession(peer: identity, endpoint: endpoint, core: core, .server(settings)))
        }
    }

    package func close() async {
        await endpoint.stop()
        arrivals.sessions.finish()
        arrivals.refusals.finish()
    }
}

/// The endpoint, for handlers that are made by it: weak, because it holds the acceptor that holds this.
private final class EndpointPlace: Sendable {
    private let slot = Mutex<Slot>(Slot())

    private struct Slot { weak var endpoint: QUICEndpoint? }

    func set(_ endpoint: QUICEndpoint) { slot.withLock { $0.endpoint = endpoint } }
    var endpoint: QUICEndpoint? { slot.withLock { $0.endpoint } }
}
