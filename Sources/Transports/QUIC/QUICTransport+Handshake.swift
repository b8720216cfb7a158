import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSecurity
import QrateSockets
import QrateTransportAPI

extension QUICTransport {
    enum HandshakeFailure: Error {
        case refused(TransportError)
        /// Nothing came back, or only word that the port is closed.
        case silent(isRefused: Bool)
    }

    /// Makes the connection on the endpoint's thread and waits until it is up, has failed, or the task is cancelled.
    func handshake(
        _ endpoint: QUICEndpoint, local: SocketAddress, _ dialer: DataDialer, _ credentials: ClientCredentials,
        timeout: Duration
    ) async -> Result<QUICSession, HandshakeFailure> {
        var dialer = dialer
        dialer.settings.handshakeTimeout = timeout
        return await withTaskCancellationHandler { [dialer] in
            await begin(endpoint, local: local, dialer, credentials)
        } onCancel: {
            Self.giveUp(endpoint)
        }
    }

    private func begin(
        _ endpoint: QUICEndpoint, local: SocketAddress, _ dialer: DataDialer, _ credentials: ClientCredentials
    ) async -> Result<QUICSession, HandshakeFailure> {
        await withCheckedContinuation { continuation in
            endpoint.post { loop in
                let now = MonotonicClock.now()
                let made = Result { () throws(QUICError) in
                    try makeConnection(local: local, dialer, credentials, now: now)
                }
                switch made {
                case .failure(let error):
                    continuation.resume(returning: .failure(.refused(TransportError(.failed, "\(error)"))))
                case .success(let connection):
                    loop.add(connection) { number in
                        let core = QUICSessionCore(number, role: .client, now: now) { core, connection, outcome in
                            continuation.resume(
                                returning: Self.conclude(outcome, connection, endpoint, core, dialer))
                        }
                        core.loop = loop
                        return core
                    }
                }
            }
            // Cancelled before there was anything to close: now there is.
            if Task.isCancelled { Self.giveUp(endpoint) }
        }
    }

    private static func giveUp(_ endpoint: QUICEndpoint) {
        endpoint.post { $0.closeAll(code: CloseReason.cancelled.rawValue) }
    }

    private func makeConnection(
        local: SocketAddress, _ dialer: DataDialer, _ credentials: ClientCredentials, now: MonotonicTime
    ) throws(QUICError) -> QUICConnection {
        let made = local.withBytes { local in
            dialer.remote.withBytes { remote in
                Result { () throws(QUICError) in
                    try QUICConnection.client(
                        local: local, remote: remote, identity: credentials.identity, trust: credentials.trust,
                        serverName: dialer.serverName, applicationProtocols: offeredProtocols, sessions: sessions,
                        settings: dialer.settings, now: now)
                }
            }
        }
        return try made.get()
    }

    /// On the endpoint's thread.
    private static func conclude(
        _ outcome: QUICSessionCore.HandshakeOutcome, _ connection: QUICConnection, _ endpoint: QUICEndpoint,
        _ core: QUICSessionCore, _ dialer: DataDialer
    ) -> Result<QUICSession, HandshakeFailure> {
        switch outcome {
        case .completed(let duration):
            let security = SecurityReport(connection)
            let peer = PeerIdentity(
                address: "\(dialer.remote)",
                handshake: HandshakeReport(duration: duration, isResumed: connection.isResumed), security: security,
                warnings: TestWarning.about(security))
            return .success(QUICSession(peer: peer, endpoint: endpoint, core: core, .client(dialer)))
        case .portUnreachable: return .failure(.silent(isRefused: true))
        case .failed(.handshakeTimeout), .failed(.idleTimeout): return .failure(.silent(isRefused: false))
        case .failed(let ending):
            if case .refused(let refusal)? = connection.verdict {
                return .failure(.refused(TransportError(.certificate, refusal.message)))
            }
            return .failure(.refused(handshakeError(ending, dialer.target)))
        }
    }

    private static func handshakeError(_ ending: QUICEnding, _ target: Endpoint) -> TransportError {
        let name = "\(target.host):\(target.port)"
        switch ending {
        case .transportErrorFromPeer(code: QUICErrorCode.noApplicationProtocol, _):
            return TransportError(
                .protocolError,
                "\(name) speaks QUIC, but neither qrate's protocol nor xfr's "
                    + "(ALPN \(applicationProtocols.joined(separator: ", "))): is it a qrate server?",
                code: Int64(QUICErrorCode.noApplicationProtocol))
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
}

extension SecurityReport {
    /// nil before the handshake is complete. At a server, which isn't told how its client judged it: unverified, with its
    /// own fingerprint.
    init?(_ connection: QUICConnection) {
        guard let cipher = connection.cipher, let name = connection.applicationProtocol else { return nil }
        let verification: CertificateVerification, fingerprint: Fingerprint
        switch (connection.verdict, connection.presented) {
        case (.accepted(let how, let whose)?, _): (verification, fingerprint) = (how, whose)
        case (nil, let own?): (verification, fingerprint) = (.unverified, own)
        default: return nil
        }
        self.init(
            protocolVersion: "TLS 1.3", cipher: cipher, aead: connection.aead?.rawValue, applicationProtocol: name,
            verification: verification, fingerprint: fingerprint.hex)
    }
}
