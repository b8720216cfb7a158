import QrateMeasurement
package import QrateQUICCore
package import QrateQUICDriver
package import QrateSecurity
import QrateSockets
package import QrateTransportAPI

/// A server's QUIC transport on its front door.
package final class QUICListener: TransportListener {
    package let port: UInt16
    package let sessions: AsyncStream<any TransportSession>
    package let refusals: AsyncStream<RefusedClient>
    private let door: FrontDoor
    private let group: EndpointGroup
    private let arrivals: Arrivals

    /// Where the endpoints' threads put the clients that came.
    private struct Arrivals {
        let sessions: AsyncStream<any TransportSession>.Continuation
        let refusals: AsyncStream<RefusedClient>.Continuation
    }

    /// Refusals that wait to be logged: a log that is slower than a flood of clients misses some.
    private static let refusalBacklog = 256

    package struct Options: Sendable {
        package var settings = ConnectionSettings()
        /// Every client must prove its address first, for one round trip more (RFC 9000 §8.1.2).
        package var demandsRetry = false
        /// Connections at once, handshakes included, but for those of tests' own. Far more than tests are allowed, so that
        /// whoever is refused can be told so; few enough that what they may send unread (256 KiB of control each before a
        /// test) doesn't exhaust memory.
        package var connectionLimit = 1280
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
        var acceptor = QUICEndpoint.Acceptor(
            gate: ServerGate(demandsRetry: options.demandsRetry),
            applicationProtocols: options.applicationProtocols, settings: options.settings,
            connectionLimit: options.connectionLimit, credentials: credentials
        ) { [settings = options.settings, echo = door.echo] loop, number, peer in
            let core = Self.makeCore(number, peer: peer, loop.endpoint, arrivals, settings, echo)
            core.loop = loop
            return core
        }
        acceptor.others = { [flows = door.flows, echo = door.echo] stray in
            if !echo.handle(stray) { flows.handle(stray) }
        }
        do throws(SocketError) {
            group = try EndpointGroup(door.sockets, name: "qrate-server", acceptor: acceptor)
        } catch {
            throw TransportError(.failed, "cannot serve QUIC: \(error)", code: Int64(error.code))
        }
    }

    private static func makeCore(
        _ number: ConnectionNumber, peer: SocketAddress, _ endpoint: QUICEndpoint, _ arrivals: Arrivals,
        _ settings: ConnectionSettings, _ echo: EchoDoor
    ) -> QUICSessionCore {
        let now = MonotonicClock.now()
        return QUICSessionCore(number, role: .server, peer: peer, now: now) { core, connection, outcome in
            if let refusal = connection.clientRefusal {
                arrivals.refusals.yield(RefusedClient(address: "\(peer)", failure: refusal.failure))
            }
            // A handshake that fails leaves nothing behind, and a scanner's garbage is not worth a line in the log.
            guard case .completed(let duration) = outcome else { return }
            let identity = PeerIdentity(
                address: "\(peer)", handshake: HandshakeReport(duration: duration, isResumed: connection.isResumed),
                security: SecurityReport(connection), transports: [.quic])
            arrivals.sessions.yield(
                QUICSession(peer: identity, endpoint: endpoint, core: core, .server(settings), echo: echo))
        }
    }

    /// How many threads serve the port.
    package var threads: Int { group.endpoints.count }

    /// What became of packets that reached another thread than their own.
    package var handovers: EndpointGroup.HandoverCounts { group.handoverCounts }

    package func close() async {
        await group.stop()
        arrivals.sessions.finish()
        arrivals.refusals.finish()
    }
}
