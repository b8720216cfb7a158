import Glibc
package import QrateMeasurement
package import QrateQUICCore
import QrateQUICDriver
package import QrateSecurity
package import QrateSockets
package import QrateTransportAPI

/// Tests over QUIC, at the client. Each session has a socket and a thread of its own.
package struct QUICTransport: Transport {
    package static let applicationProtocol = ApplicationProtocol.qrate
    /// What an xfr speaks; on stream 0 it is the same.
    package static let xfrProtocol = "xfr"
    /// What both ends offer, the better one first. Who knows neither is refused in the handshake (TLS alert 120).
    package static let applicationProtocols = [applicationProtocol, xfrProtocol]

    package var settings: ConnectionSettings
    package var socketOptions: DatagramSocket.Options
    package var trust: ClientTrust
    package var local: LocalEnd
    /// Who seals and opens packets at this end.
    package var aead = AEADChoice.auto
    /// What to offer to the server (ALPN).
    package var offeredProtocols = QUICTransport.applicationProtocols
    /// Where sessions of connections to come are taken from, and tickets go; nil never to resume one.
    package var sessions: SessionMemory?
    /// The test that will run, as far as connections must be made for it.
    private let parameters: TestParameters
    private let loadIdentity: @Sendable () throws(SecurityError) -> ClientIdentity

    /// - Parameter identity: Gives what the client shows of itself. Called before each connection, on a thread that may
    ///   block.
    package init(
        settings: ConnectionSettings = ConnectionSettings(), socketOptions: DatagramSocket.Options = .init(),
        trust: ClientTrust,
        identity: @escaping @Sendable () throws(SecurityError) -> ClientIdentity = { ClientIdentity() }
    ) {
        self.settings = settings
        self.socketOptions = socketOptions
        self.trust = trust
        local = LocalEnd()
        parameters = TestParameters()
        loadIdentity = identity
    }

    /// For one test's parameters.
    ///
    /// - Throws: `usage`, for what QUIC can't do.
    package init(
        for parameters: TestParameters, local: LocalEnd = LocalEnd(),
        settings: ConnectionSettings = ConnectionSettings(), socketOptions: DatagramSocket.Options = .init(),
        trust: ClientTrust,
        identity: @escaping @Sendable () throws(SecurityError) -> ClientIdentity = { ClientIdentity() }
    ) throws(TransportError) {
        try QUICTerms.check(parameters)
        self.settings = settings
        self.socketOptions = socketOptions
        self.trust = trust
        self.local = local
        self.parameters = parameters
        loadIdentity = identity
    }

    package func connect(to endpoint: Endpoint, timeout: Duration) async throws(TransportError) -> any TransportSession
    {
        let addresses: [SocketAddress]
        do throws(ResolverError) {
            addresses = try await Resolver.resolve(endpoint.host, port: endpoint.port, family: local.family)
        } catch {
            throw TransportError(.unreachable, "cannot find \(error.host): \(error.reason)", code: Int64(error.code))
        }
        let beginnings = try await localAddresses()
        let credentials = try await trust.prepare(for: endpoint, identity: loadIdentity)
        var settings = settings
        settings.aead = await aead.library
        // One after the other, as far as the system says quickly that there is nothing: a host without IPv6, a server
        // on one family only. An address that just stays silent uses the time up.
        var failure = TransportError(.unreachable, "\(endpoint.host) has no address")
        for address in addresses {
            do throws(TransportError) {
                let beginning = try beginning(for: address, beginnings)
                let session = try await connect(
                    to: address, from: beginning, endpoint, credentials, settings, timeout: timeout)
                try await trust.accepted(session.peer.security, for: endpoint, closing: session)
                return session
            } catch {
                failure = error
                guard error.kind == .unreachable, error.code != Int64(ETIMEDOUT) else { break }
            }
        }
        throw failure
    }

    /// What `-B` means; empty without it.
    private func localAddresses() async throws(TransportError) -> [SocketAddress] {
        guard let host = local.host else { return [] }
        do throws(ResolverError) {
            return try await Resolver.resolve(host, port: local.port ?? 0, family: local.family)
        } catch {
            throw TransportError(.usage, "cannot begin at \(error.host): \(error.reason)", code: Int64(error.code))
        }
    }

    /// Where the socket to `address` begins; nil for the system's choice.
    private func beginning(
        for address: SocketAddress, _ candidates: [SocketAddress]
    ) throws(TransportError) -> SocketAddress? {
        guard let host = local.host else { return local.port.map { .any(address.family, port: $0) } }
        guard let own = candidates.first(where: { $0.family == address.family }) else {
            throw TransportError(
                .unreachable, "\(host) can't reach \(address): it is of the other IP version",
                code: Int64(EAFNOSUPPORT))
        }
        return own
    }

    private func connect(
        to address: SocketAddress, from beginning: SocketAddress?, _ target: Endpoint,
        _ credentials: ClientCredentials, _ settings: ConnectionSettings, timeout: Duration
    ) async throws(TransportError) -> QUICSession {
        let endpoint: QUICEndpoint
        let local: SocketAddress
        let settings = try QUICTerms.settings(for: parameters, on: settings, remote: address)
        do throws(SocketError) {
            let socket = try DatagramSocket.connected(to: address, from: beginning, socketOptions)
            local = try socket.localAddress()
            endpoint = try QUICEndpoint(socket, name: "qrate-quic")
        } catch {
            throw Self.cannotConnect(to: address, from: beginning, error)
        }
        let dialer = DataDialer(
            remote: address, identity: credentials.identity, serverName: trust.serverNameIndication(for: target),
            target: target, settings: settings, further: FurtherEndpoints(beginning: beginning, socketOptions))
        switch await handshake(endpoint, local: local, dialer, credentials, timeout: timeout) {
        case .success(let session): return session
        case .failure(let failure):
            await endpoint.stop()
            switch failure {
            case .refused(let error): throw error
            case .silent(let isRefused): throw await noAnswer(address, target, isRefused: isRefused, timeout)
            }
        }
    }

    static func cannotConnect(
        to address: SocketAddress, from beginning: SocketAddress?, _ error: SocketError
    ) -> TransportError {
        let code = Int64(error.code)
        guard let beginning else {
            return TransportError(.unreachable, "cannot reach \(address): \(error.reason)", code: code)
        }
        switch error.code {
        case EADDRNOTAVAIL:
            return TransportError(.usage, "\(beginning.host) (-B) is no address of this host", code: code)
        case EADDRINUSE:
            return TransportError(
                .usage, "UDP port \(beginning.port) (--cport) is in use on this host: choose another", code: code)
        case EACCES:
            return TransportError(
                .permission, "not allowed to use UDP port \(beginning.port): ports below 1024 need privileges",
                code: code)
        default:
            return TransportError(
                .unreachable, "cannot reach \(address) from \(beginning): \(error.reason)", code: code)
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
                    + "(--tcp needs no UDP)", code: code)
        }
        return isRefused
            ? TransportError(
                .unreachable, "nothing listens on UDP \(name): is `qrate serve` running there?", code: code)
            : TransportError(
                .unreachable,
                "no answer on UDP \(name) within \(timeout.secondsWithoutZeros): wrong host or port, or a "
                    + "firewall between?", code: code)
    }
}
