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
    private let door: FrontDoor
    private let endpoint: QUICEndpoint
    private let continuation: AsyncStream<any TransportSession>.Continuation

    /// Connections at once, handshakes included. Far more than tests are allowed, so that whoever is refused can be
    /// told so; few enough that their windows (1 MiB each before a test) don't exhaust memory.
    private static let connectionLimit = 512

    package struct Options: Sendable {
        package var settings = ConnectionSettings()
        /// Every client must prove its address first, for one round trip more (RFC 9000 §8.1.2).
        package var demandsRetry = false

        package init() {}
    }

    /// - Parameter identity: Asked for each new connection, so that certificates can be replaced while the server runs.
    package init(
        on door: FrontDoor, _ options: Options, identity: @escaping @Sendable () -> ServerIdentity
    ) throws(TransportError) {
        self.door = door
        port = door.port
        let (sessions, continuation) = AsyncStream.makeStream(of: (any TransportSession).self)
        self.sessions = sessions
        self.continuation = continuation
        let place = EndpointPlace()
        let acceptor = QUICEndpoint.Acceptor(
            gate: ServerGate(demandsRetry: options.demandsRetry),
            applicationProtocols: [QUICTransport.applicationProtocol], settings: options.settings,
            connectionLimit: Self.connectionLimit, identity: identity
        ) { number, peer in
            Self.makeCore(number, peer: "\(peer)", door.datagrams, place, continuation)
        }
        do throws(SocketError) {
            endpoint = try QUICEndpoint(door.datagrams, name: "qrate-server", acceptor: acceptor)
        } catch {
            throw TransportError(.failed, "cannot serve QUIC: \(error)", code: Int64(error.code))
        }
        place.set(endpoint)
    }

    private static func makeCore(
        _ number: ConnectionNumber, peer: String, _ socket: DatagramSocket, _ place: EndpointPlace,
        _ sessions: AsyncStream<any TransportSession>.Continuation
    ) -> QUICSessionCore {
        QUICSessionCore(number, socket, role: .server, now: MonotonicClock.now()) { core, _, outcome in
            // A handshake that fails leaves nothing behind, and a scanner's garbage is not worth a line in the log.
            guard case .completed(let duration) = outcome, let endpoint = place.endpoint else { return }
            let identity = PeerIdentity(address: peer, handshake: HandshakeReport(duration: duration))
            sessions.yield(QUICSession(peer: identity, endpoint: endpoint, core: core, ownsEndpoint: false))
        }
    }

    package func close() async {
        await endpoint.stop()
        continuation.finish()
    }
}

/// The endpoint, for handlers that are made by it: weak, because it holds the acceptor that holds this.
private final class EndpointPlace: Sendable {
    private let slot = Mutex<Slot>(Slot())

    private struct Slot { weak var endpoint: QUICEndpoint? }

    func set(_ endpoint: QUICEndpoint) { slot.withLock { $0.endpoint = endpoint } }
    var endpoint: QUICEndpoint? { slot.withLock { $0.endpoint } }
}
