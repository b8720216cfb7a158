internal import CQrateGnuTLS
package import QrateMeasurement

/// One end of a TLS 1.3 handshake as GnuTLS holds it: what QUIC and TLS over TCP set up alike.
///
/// One thread at a time uses it.
package final class TLSEnd {
    /// A `gnutls_session_t`, which lives as long as this object. Its session pointer is the carrier's, its database pointer
    /// this object's: there is no session database.
    package let handle: OpaquePointer
    // Kept because GnuTLS doesn't copy credentials.
    private let identity: any AnyObject & Sendable
    private let judge: Judge?
    /// Client: what was made of the server's certificate, when it showed one.
    private var certificateVerdict: TrustVerdict?
    /// Server: why the client's certificate, or that it has none, was refused.
    package private(set) var clientRefusal: ClientRefusal?
    /// Client: what becomes of sessions; nil when none is resumed.
    var resumption: Resumption?
    /// Where this session's secrets go; nil for nowhere.
    let keyLog: KeyLog?
    /// Server: whether the client may get a ticket, as far as is known yet.
    var mayHaveTicket = false

    /// Who decides about the peer's certificate.
    private enum Judge {
        case ofServers(ServerTrust)
        case ofClients(ClientAuthority)
    }

    /// - Parameters:
    ///   - cipher: The only record cipher to agree to; nil for any.
    ///   - sessions: Where a session to resume is taken from, and this one's tickets go; nil for neither.
    ///   - keyLog: Where the session's secrets go; nil for nowhere.
    package static func client(
        _ carrier: TLSPriorities.Carrier, identity: ClientIdentity, trust: ServerTrust, serverName: String?,
        applicationProtocols: [String], cipher: CipherSuite? = nil, sessions: SessionMemory? = nil,
        keyLog: KeyLog? = nil
    ) throws(TLSError) -> TLSEnd {
        let end = try TLSEnd(
            GNUTLS_CLIENT, identity, identity.credentials, .ofServers(trust),
            usesTickets: sessions != nil, keyLog)
        try TLSPriorities.apply(to: end.handle, carrier, cipher: cipher, resumesSessions: sessions != nil)
        try end.offer(applicationProtocols)
        if let sessions {
            let server = SessionMemory.Server(
                endpoint: trust.endpoint, name: serverName, carrier: carrier,
                applicationProtocols: applicationProtocols, cipher: cipher, client: identity.fingerprint)
            end.resume(from: sessions, server, trust)
        }
        if let serverName {
            try TLSError.check(
                gnutls_server_name_set(end.handle, GNUTLS_NAME_DNS, serverName, serverName.utf8.count),
                "setting the server name")
        }
        return end
    }

    package static func server(
        _ carrier: TLSPriorities.Carrier, _ credentials: ServerCredentials, applicationProtocols: [String],
        keyLog: KeyLog? = nil
    ) throws(TLSError) -> TLSEnd {
        let end = try TLSEnd(
            GNUTLS_SERVER, credentials.identity, credentials.identity.credentials,
            credentials.clientAuthority.map { .ofClients($0) }, usesTickets: credentials.tickets != nil, keyLog)
        try TLSPriorities.apply(to: end.handle, carrier)
        try end.offer(applicationProtocols)
        if let tickets = credentials.tickets { end.allowTickets(tickets) }
        if credentials.clientAuthority != nil {
            // A client without a certificate is refused by GnuTLS itself, with alert 116.
            gnutls_certificate_server_set_request(end.handle, GNUTLS_CERT_REQUIRE)
        }
        return end
    }

    private init(
        _ role: gnutls_init_flags_t, _ identity: any AnyObject & Sendable, _ credentials: OpaquePointer,
        _ judge: Judge?, usesTickets: Bool, _ keyLog: KeyLog?
    ) throws(TLSError) {
        // A server sends its ticket when it is told to, by `sendTicket()`.
        let tickets =
            usesTickets
            ? GNUTLS_NO_AUTO_SEND_TICKET.rawValue | GNUTLS_NO_TICKETS_TLS12.rawValue
            : (GNUTLS_NO_TICKETS as gnutls_init_flags_t).rawValue
        // A client's key for one group: for further ones it would make keys that hardly any server wants.
        let flags = role.rawValue | tickets | (role == GNUTLS_CLIENT ? GNUTLS_KEY_SHARE_TOP.rawValue : 0)
        var handle: gnutls_session_t?
        try TLSError.check(gnutls_init(&handle, flags), "making a TLS session")
        guard let handle else { throw .gnutls(GNUTLS_E_MEMORY_ERROR, "making a TLS session") }
        self.handle = handle
        self.identity = identity
        self.judge = judge
        self.keyLog = keyLog
        // From here on `deinit` runs when something throws.
        try TLSError.check(
            gnutls_credentials_set(handle, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials)),
            "setting credentials")
        // Not retained: this object owns the session, and nothing calls back once it is freed.
        gnutls_db_set_ptr(handle, Unmanaged.passUnretained(self).toOpaque())
        // Also without a log: the library's own function would write to the file that its environment names, and nobody
        // would know.
        gnutls_session_set_keylog_function(handle) { session, label, secret in
            KeyLog.record(session, label, secret)
            return 0
        }
        if judge != nil {
            gnutls_session_set_verify_function(handle) { TLSEnd.of($0).judgePeer() ? 0 : GNUTLS_E_CERTIFICATE_ERROR }
        }
    }

    deinit { gnutls_deinit(handle) }

    /// For GnuTLS's calls back.
    static func of(_ session: OpaquePointer?) -> TLSEnd {
        Unmanaged<TLSEnd>.fromOpaque(gnutls_db_get_ptr(session)!).takeUnretainedValue()  // set in `init`
    }

    /// Without a protocol in common the handshake ends with alert 120 (RFC 7301 §3.2, RFC 9001 §8.1).
    private func offer(_ protocols: [String]) throws(TLSError) {
        let copies = protocols.map { Array($0.utf8) }
        var result: Int32 = 0
        func withAll(_ index: Int, _ collected: [gnutls_datum_t]) {
            guard index < copies.count else {
                result = gnutls_alpn_set_protocols(
                    handle, collected, UInt32(collected.count), UInt32(GNUTLS_ALPN_MANDATORY.rawValue))
                return
            }
            var copy = copies[index]
            copy.withUnsafeMutableBufferPointer {
                withAll(index + 1, collected + [gnutls_datum_t(data: $0.baseAddress, size: UInt32($0.count))])
            }
        }
        withAll(0, [])
        try TLSError.check(result, "offering application protocols")
    }

    // MARK: What the handshake agreed on

    /// The one without help from the processor.
    package static let slowCipher = "ChaCha20-Poly1305"

    /// As in `AES-128-GCM`.
    package var cipher: String {
        switch gnutls_cipher_get(handle) {
        case GNUTLS_CIPHER_AES_128_GCM: "AES-128-GCM"
        case GNUTLS_CIPHER_AES_256_GCM: "AES-256-GCM"
        case GNUTLS_CIPHER_CHACHA20_POLY1305: Self.slowCipher
        case let other: gnutls_cipher_get_name(other).map { String(cString: $0) } ?? "unknown"
        }
    }

    package var applicationProtocol: String? {
        var name = gnutls_datum_t()
        guard gnutls_alpn_get_selected_protocol(handle, &name) == 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name.data, count: Int(name.size)), as: UTF8.self)
    }

    // MARK: The peer's certificate

    /// Client: what was made of the server's certificate, be it the one that a resumed session began with.
    package var verdict: TrustVerdict? { certificateVerdict ?? (isResumed ? resumption?.verdict : nil) }

    /// Called by GnuTLS in the handshake, after the peer proved that it holds the certificate's key. Not where a session is
    /// resumed: there the peer proves that it knows the session's secret.
    private func judgePeer() -> Bool {
        switch judge {
        case .ofServers(let trust)?:
            let chain = peerChain
            let verdict = trust.judge(chain)
            certificateVerdict = verdict
            guard case .accepted = verdict else { return false }
            resumption?.chain = chain
            return true
        case .ofClients(let authority)?:
            do throws(ClientRefusal) { try authority.verify(peerChain) } catch {
                clientRefusal = error
                return false
            }
            return true
        case nil: return false
        }
    }

    private var peerChain: [[UInt8]] {
        var count: UInt32 = 0
        let list = gnutls_certificate_get_peers(handle, &count)
        return UnsafeBufferPointer(start: list, count: Int(count)).map {
            Array(UnsafeBufferPointer(start: $0.data, count: Int($0.size)))
        }
    }

    /// The handshake failed here. GnuTLS has one alert for all that a verify function refuses, we know better.
    ///
    /// - Parameter alert: GnuTLS's.
    /// - Returns: The one to tell the peer.
    package func handshakeFailed(alert: UInt8) -> UInt8 {
        switch judge {
        case .ofServers?:
            guard case .refused(let refusal)? = verdict else { return alert }
            return refusal.tlsAlert
        case .ofClients?:
            if clientRefusal == nil { clientRefusal = ClientRefusal(alert: alert) }
            return clientRefusal?.tlsAlert ?? alert
        case nil: return alert
        }
    }
}
