import Glibc
import QrateMeasurement
package import QrateQUICCore
import QrateQUICDriver
package import QrateSecurity
package import QrateSockets
package import QrateTransportAPI

/// Tests over QUIC, at the client. Each session has a socket and a thread of its own.
package struct QUICTransport: Transport {
    package static let applicationProtocol = ApplicationProtocol.qrate

    package var settings: ConnectionSettings
    package var socketOptions: DatagramSocket.Options
    package var trust: ClientTrust
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
        loadIdentity = identity
    }

    package func connect(to endpoint: Endpoint, timeout: Duration) async throws(TransportError) -> any TransportSession
    {
        let addresses: [SocketAddress]
        do throws(ResolverError) {
            addresses = try await Resolver.resolve(endpoint.host, port: endpoint.port)
        } catch {
            throw TransportError(.unreachable, "cannot find \(error.host): \(error.reason)", code: Int64(error.code))
        }
        let credentials = try await trust.prepare(for: endpoint, identity: loadIdentity)
        // One after the other, as far as the system says quickly that there is nothing: a host without IPv6, a server
        // on one family only. An address that just stays silent uses the time up.
        var failure = TransportError(.unreachable, "\(endpoint.host) has no address")
        for address in addresses {
            do throws(TransportError) {
                let session = try await connect(to: address, endpoint, credentials, timeout: timeout)
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
        to address: SocketAddress, _ target: Endpoint, _ credentials: ClientCredentials, timeout: Duration
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
        switch await handshake(endpoint, local: local, address, target, credentials, timeout: timeout) {
        case .success(let session): return session
        case .failure(let failure):
            await endpoint.stop()
            switch failure {
            case .refused(let error): throw error
            case .silent(let isRefused): throw await noAnswer(address, target, isRefused: isRefused, timeout)
            }
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
                    + "(--tcp, which needs no UDP, comes with the next version)", code: code)
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
