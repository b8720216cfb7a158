import Glibc
import QrateMeasurement
package import QrateQUICCore
import QrateQUICDriver
import QrateSecurity
package import QrateSockets
package import QrateTransportAPI

/// Tests over QUIC, at the client. Each session has a socket and a thread of its own.
package struct QUICTransport: Transport {
    /// qrate's own protocol. A server that knows another one only is refused in the handshake (TLS alert 120).
    package static let applicationProtocol = "qrate/1"

    package var settings: ConnectionSettings
    package var socketOptions: DatagramSocket.Options
    package var trust: ClientTrust

    package init(
        settings: ConnectionSettings = ConnectionSettings(), socketOptions: DatagramSocket.Options = .init(),
        trust: ClientTrust
    ) {
        self.settings = settings
        self.socketOptions = socketOptions
        self.trust = trust
    }

    package func connect(to endpoint: Endpoint, timeout: Duration) async throws(TransportError) -> any TransportSession
    {
        let addresses: [SocketAddress]
        do throws(ResolverError) {
            addresses = try await Resolver.resolve(endpoint.host, port: endpoint.port)
        } catch {
            throw TransportError(.unreachable, "cannot find \(error.host): \(error.reason)", code: Int64(error.code))
        }
        let judge = try await trust.prepare(for: endpoint)
        // One after the other, as far as the system says quickly that there is nothing: a host without IPv6, a server
        // on one family only. An address that just stays silent uses the time up.
        var failure = TransportError(.unreachable, "\(endpoint.host) has no address")
        for address in addresses {
            do throws(TransportError) {
                let session = try await connect(to: address, endpoint, judge, timeout: timeout)
                try await trust.accepted(session.peer.security, for: endpoint, closing: session)
                return session
            } catch {
                failure = error
                guard error.kind == .unreachable, error.code != Int64(ETIMEDOUT) else { break }
            }
        }
        throw failure
    }

    private func connect(
        to address: SocketAddress, _ target: Endpoint, _ judge: ServerTrust, timeout: Duration
    ) async throws(TransportError) -> QUICSession {
        let endpoint: QUICEndpoint
        let local: SocketAddress
        do throws(SocketError) {
            let socket = try DatagramSocket.connected(to: address, socketOptions)
            local = try socket.localAddress()
            endpoint = try QUICEndpoint(socket, name: "qrate-quic")
        } catch {
            throw TransportError(.unreachable, "cannot reach \(address): \(error.reason)", code: Int64(error.code))
        }
        switch await handshake(endpoint, local: local, address, target, judge, timeout: timeout) {
        case .success(let session): return session
        case .failure(let failure):
            await endpoint.stop()
            switch failure {
            case .refused(let error): throw error
            case .silent(let isRefused): throw await noAnswer(address, target, isRefused: isRefused, timeout)
            }
        }
    }

    private enum HandshakeFailure: Error {
        case refused(TransportError)
        /// Nothing came back, or only word that the port is closed.
        case silent(isRefused: Bool)
    }

    private func handshake(
        _ endpoint: QUICEndpoint, local: SocketAddress, _ address: SocketAddress, _ target: Endpoint,
        _ judge: ServerTrust, timeout: Duration
    ) async -> Result<QUICSession, HandshakeFailure> {
        var settings = settings
        settings.handshakeTimeout = timeout
        return await withCheckedContinuation { continuation in
            endpoint.post { [settings] loop in
                let now = MonotonicClock.now()
                let made = Result { () throws(QUICError) in
                    try makeConnection(local: local, remote: address, target, judge, settings, now: now)
                }
                switch made {
                case .failure(let error):
                    continuation.resume(returning: .failure(.refused(TransportError(.failed, "\(error)"))))
                case .success(let connection):
                    loop.add(connection) { number in
                        QUICSessionCore(number, endpoint.socket, role: .client, now: now) { core, connection, outcome in
                            continuation.resume(
                                returning: Self.conclude(outcome, connection, endpoint, core, address, target))
                        }
                    }
                }
            }
        }
    }

    private func makeConnection(
        local: SocketAddress, remote: SocketAddress, _ target: Endpoint, _ judge: ServerTrust,
        _ settings: ConnectionSettings, now: MonotonicTime
    ) throws(QUICError) -> QUICConnection {
        let made = local.withBytes { local in
            remote.withBytes { remote in
                Result { () throws(QUICError) in
                    try QUICConnection.client(
                        local: local, remote: remote, identity: ClientIdentity(), trust: judge,
                        serverName: trust.serverNameIndication(for: target),
                        applicationProtocols: [Self.applicationProtocol], settings: settings, now: now)
                }
            }
        }
        return try made.get()
    }

    /// On the endpoint's thread.
    private static func conclude(
        _ outcome: QUICSessionCore.HandshakeOutcome, _ connection: QUICConnection, _ endpoint: QUICEndpoint,
        _ core: QUICSessionCore, _ address: SocketAddress, _ target: Endpoint
    ) -> Result<QUICSession, HandshakeFailure> {
        switch outcome {
        case .completed(let duration):
            let peer = PeerIdentity(
                address: "\(address)", handshake: HandshakeReport(duration: duration),
                security: SecurityReport(connection))
            return .success(QUICSession(peer: peer, endpoint: endpoint, core: core, ownsEndpoint: true))
        case .portUnreachable: return .failure(.silent(isRefused: true))
        case .failed(.handshakeTimeout), .failed(.idleTimeout): return .failure(.silent(isRefused: false))
        case .failed(let ending):
            if case .refused(let refusal)? = connection.verdict {
                return .failure(.refused(TransportError(.certificate, refusal.message)))
            }
            return .failure(.refused(handshakeError(ending, target)))
        }
    }

    private static func handshakeError(_ ending: QUICEnding, _ target: Endpoint) -> TransportError {
        let name = "\(target.host):\(target.port)"
        switch ending {
        case .transportErrorFromPeer(code: QUICErrorCode.noApplicationProtocol, _):
            return TransportError(
                .protocolError,
                "\(name) speaks QUIC, but not qrate's protocol (ALPN \(applicationProtocol)): "
                    + "is it a qrate server?", code: Int64(QUICErrorCode.noApplicationProtocol))
        case .transportErrorFromPeer(let code, _) where QUICErrorCode.cryptoErrors.contains(code):
            return TransportError(
                .protocolError, "\(name) refused the TLS handshake with alert \(code - 0x100)", code: Int64(code))
        case .tlsAlert(let alert):
            return TransportError(
                .protocolError, "the TLS handshake with \(name) failed with alert \(alert)", code: Int64(alert))
        default:
            let error = ending.asError
            return TransportError(
                error?.kind == .protocolError ? .protocolError : .unreachable,
                "cannot connect to \(name): \(error?.message ?? "the connection was closed")", code: error?.code)
        }
    }

    /// The server may be there and only UDP be blocked: a TCP connection tells.
    private func noAnswer(
        _ address: SocketAddress, _ target: Endpoint, isRefused: Bool, _ timeout: Duration
    ) async -> TransportError {
        let answersTCP = await DedicatedThread.run(name: "qrate-probe") {
            TCPProbe.answers(address, timeout: min(timeout, .seconds(2)))
        }
        let name = "\(target.host):\(target.port)"
        let code = Int64(isRefused ? ECONNREFUSED : ETIMEDOUT)
        if answersTCP {
            return TransportError(
                .unreachable,
                "no answer on UDP \(name), but TCP answers there: a firewall, or an iperf3 server? "
                    + "--tcp needs no UDP", code: code)
        }
        return isRefused
            ? TransportError(
                .unreachable, "nothing listens on UDP \(name): is `qrate serve` running there?", code: code)
            : TransportError(
                .unreachable,
                "no answer on UDP \(name) within \(timeout.seconds.rounded()) s: wrong host or port, or a "
                    + "firewall between?", code: code)
    }
}

extension SecurityReport {
    /// nil before the handshake is complete.
    init?(_ connection: QUICConnection) {
        guard let cipher = connection.cipher, let name = connection.applicationProtocol,
            case .accepted(let verification, let fingerprint)? = connection.verdict
        else { return nil }
        self.init(
            protocolVersion: "TLS 1.3", cipher: cipher, applicationProtocol: name, verification: verification,
            fingerprint: fingerprint.hex)
    }
}
