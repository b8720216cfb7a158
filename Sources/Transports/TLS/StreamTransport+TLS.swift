package import QrateMeasurement
package import QrateSecurity
import QrateSockets
import QrateTransportAPI
import Synchronization

extension StreamTransport {
    /// Tests over TLS 1.3 on TCP: the control connection and every data connection have a handshake of their own.
    ///
    /// - Parameters:
    ///   - aead: Who seals and opens records at this end.
    ///   - identity: Gives what the client shows of itself. Called before each session, on a thread that may block.
    ///   - sessions: Where sessions of connections to come are taken from, and tickets go; nil never to resume one.
    ///   - keyLog: Where the secrets of all connections go; nil for nowhere.
    package static func tls(
        local: LocalEnd = LocalEnd(), settings: TransportSettings = TransportSettings(), trust: ClientTrust,
        aead: AEADChoice = .auto,
        identity: @escaping @Sendable () throws(SecurityError) -> ClientIdentity = { ClientIdentity() },
        sessions: SessionMemory? = nil, keyLog: KeyLog? = nil
    ) -> Self {
        Self(Setup(local: local, settings: settings)) { endpoint throws(TransportError) in
            try refuseBareOptions(settings)
            let client = TLSClient(
                try await trust.prepare(for: endpoint, identity: identity),
                serverName: trust.serverNameIndication(for: endpoint), cipher: settings.cipher,
                aead: await aead.library, sessions: sessions, keyLog: keyLog, peer: "\(endpoint.host):\(endpoint.port)")
            return ClientStreams(
                transport: .tls, make: { socket throws(TransportError) in try client.makeStream(socket) },
                accepted: { security, session throws(TransportError) in
                    client.accepted(security)
                    try await trust.accepted(security, for: endpoint, closing: session)
                },
                makeLanes: { connector, address, options, count throws(TransportError) in
                    try TLSHandshakeLanes(count, connector, address, options) {
                        socket, sessions throws(TransportError) in
                        try client.makeStream(socket, sessions: sessions)
                    }
                })
        }
    }

    /// What is encrypted passes through this process.
    private static func refuseBareOptions(_ settings: TransportSettings) throws(TransportError) {
        if settings.usesZeroCopy {
            throw TransportError(.usage, "a TLS test can't send without copying (-Z): its payload is encrypted here")
        }
        if settings.skipsReceiveCopy {
            throw TransportError(
                .usage,
                "a TLS test can't skip the copy at the receiver (--skip-rx-copy): its payload is decrypted there")
        }
    }
}

/// What the connections of one client's session have in common.
private final class TLSClient: Sendable {
    private let credentials: ClientCredentials
    private let serverName: String?
    private let cipher: CipherSuite?
    private let aead: AEADLibrary
    private let sessions: SessionMemory?
    private let keyLog: KeyLog?
    private let peer: String
    /// What was made of the control connection's certificate, once it was accepted.
    private let verdict = Mutex<TrustVerdict?>(nil)

    init(
        _ credentials: ClientCredentials, serverName: String?, cipher: CipherSuite?, aead: AEADLibrary,
        sessions: SessionMemory?, keyLog: KeyLog?, peer: String
    ) {
        self.credentials = credentials
        self.serverName = serverName
        self.cipher = cipher
        self.aead = aead
        self.sessions = sessions
        self.keyLog = keyLog
        self.peer = peer
    }

    /// From now on connections carry data, and belong to the server that this one belongs to.
    func accepted(_ security: SecurityReport?) {
        guard let security, let fingerprint = Fingerprint("sha256:" + security.fingerprint) else { return }
        verdict.withLock { $0 = .accepted(security.verification, fingerprint) }
    }

    /// A control connection's stream, or that of a data connection, which resumes nothing.
    func makeStream(_ socket: StreamSocket) throws(TransportError) -> TLSStream {
        let isControl = verdict.withLock { $0 } == nil
        return try makeStream(socket, sessions: isControl ? sessions : nil)
    }

    func makeStream(_ socket: StreamSocket, sessions: SessionMemory?) throws(TransportError) -> TLSStream {
        var trust = credentials.trust
        if let verdict = verdict.withLock({ $0 }) { trust.policy = .same(asControl: verdict) }
        do throws(TLSError) {
            let handshake = try TLSHandshake.client(
                identity: credentials.identity, trust: trust, serverName: serverName,
                applicationProtocols: [ApplicationProtocol.qrate], cipher: cipher, aead: aead, sessions: sessions,
                keyLog: keyLog)
            return TLSStream(socket, handshake, .client, peer: peer)
        } catch {
            throw TransportError(.failed, "TLS failed while \(error)", code: Int64(error.code))
        }
    }
}
