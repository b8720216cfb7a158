internal import CQrateGnuTLS
internal import CQrateNgtcp2
internal import Glibc
internal import QrateSecurity

/// The TLS 1.3 side of one QUIC connection, as GnuTLS holds it.
///
/// Owned by ``QUICConnection``, which frees it after the ngtcp2 connection that uses it.
final class TLSSession {
    let handle: gnutls_session_t
    /// ngtcp2 finds its connection from the session through this; GnuTLS keeps the pointer for the session's life.
    private let reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>
    // Kept because GnuTLS doesn't copy credentials.
    private let identity: any AnyObject & Sendable
    private let judge: Judge?
    /// Client: what was made of the server's certificate.
    private(set) var verdict: TrustVerdict?
    /// Server: why the client's certificate, or that it has none, was refused.
    private(set) var clientRefusal: ClientRefusal?

    /// Who decides about the peer's certificate.
    private enum Judge {
        case ofServers(ServerTrust)
        case ofClients(ClientAuthority)
    }

    /// AES-128-GCM first: ChaCha20-Poly1305 in GnuTLS 3.7.9 is 15 times slower where the CPU has AES. TLS 1.3's
    /// middlebox compatibility mode is forbidden in QUIC (RFC 9001 §8.4).
    private static let priorities =
        "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM"
        + ":+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"

    static func client(
        identity: ClientIdentity, trust: ServerTrust, serverName: String?, applicationProtocols: [String],
        state: UnsafeMutablePointer<ConnectionState>
    ) throws(QUICError) -> TLSSession {
        let session = try TLSSession(
            (GNUTLS_CLIENT as gnutls_init_flags_t).rawValue, identity, identity.credentials, .ofServers(trust), state)
        try QUICError.check(
            ngtcp2_crypto_gnutls_configure_client_session(session.handle), "preparing the TLS client")
        try session.offer(applicationProtocols)
        if let serverName {
            try QUICError.checkTLS(
                gnutls_server_name_set(session.handle, GNUTLS_NAME_DNS, serverName, serverName.utf8.count),
                "setting the server name")
        }
        gnutls_session_set_verify_function(session.handle, verify)
        return session
    }

    static func server(
        _ credentials: ServerCredentials, applicationProtocols: [String],
        state: UnsafeMutablePointer<ConnectionState>
    ) throws(QUICError) -> TLSSession {
        // Tickets are not offered: this version resumes no session.
        let flags =
            (GNUTLS_SERVER as gnutls_init_flags_t).rawValue | (GNUTLS_NO_TICKETS as gnutls_init_flags_t).rawValue
        let judge = credentials.clientAuthority.map { Judge.ofClients($0) }
        let session = try TLSSession(
            flags, credentials.identity, credentials.identity.credentials, judge, state)
        try QUICError.check(
            ngtcp2_crypto_gnutls_configure_server_session(session.handle), "preparing the TLS server")
        try session.offer(applicationProtocols)
        if judge != nil {
            // A client without a certificate is refused by GnuTLS itself, with alert 116.
            gnutls_certificate_server_set_request(session.handle, GNUTLS_CERT_REQUIRE)
            gnutls_session_set_verify_function(session.handle, verify)
        }
        return session
    }

    private init(
        _ flags: UInt32, _ identity: any AnyObject & Sendable, _ credentials: OpaquePointer, _ judge: Judge?,
        _ state: UnsafeMutablePointer<ConnectionState>
    ) throws(QUICError) {
        var handle: gnutls_session_t?
        try QUICError.checkTLS(gnutls_init(&handle, flags), "making a TLS session")
        guard let handle else { throw .gnutls(GNUTLS_E_MEMORY_ERROR, "making a TLS session") }
        self.handle = handle
        self.identity = identity
        self.judge = judge
        reference = .allocate(capacity: 1)
        reference.initialize(
            to: ngtcp2_crypto_conn_ref(
                get_conn: { reference in
                    reference!.pointee.user_data.assumingMemoryBound(to: ConnectionState.self).pointee.conn
                },
                user_data: state))
        gnutls_session_set_ptr(handle, reference)
        // From here on `deinit` runs when something throws.
        try QUICError.checkTLS(gnutls_priority_set_direct(handle, Self.priorities, nil), "choosing ciphers")
        try QUICError.checkTLS(
            gnutls_credentials_set(handle, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials)),
            "setting credentials")
    }

    deinit {
        gnutls_deinit(handle)
        reference.deallocate()
    }

    /// Without a protocol in common the handshake ends with alert 120 (RFC 9001 §8.1).
    private func offer(_ protocols: [String]) throws(QUICError) {
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
        try QUICError.checkTLS(result, "offering application protocols")
    }

    // MARK: What the handshake agreed on

    var cipher: String {
        switch gnutls_cipher_get(handle) {
        case GNUTLS_CIPHER_AES_128_GCM: "AES-128-GCM"
        case GNUTLS_CIPHER_AES_256_GCM: "AES-256-GCM"
        case GNUTLS_CIPHER_CHACHA20_POLY1305: "ChaCha20-Poly1305"
        case let other: gnutls_cipher_get_name(other).map { String(cString: $0) } ?? "unknown"
        }
    }

    var applicationProtocol: String? {
        var name = gnutls_datum_t()
        guard gnutls_alpn_get_selected_protocol(handle, &name) == 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name.data, count: Int(name.size)), as: UTF8.self)
    }

    // MARK: The peer's certificate

    /// Called by GnuTLS in the handshake, after the peer proved that it holds the certificate's key.
    private static let verify: @convention(c) (gnutls_session_t?) -> Int32 = { session in
        let reference = gnutls_session_get_ptr(session)!.assumingMemoryBound(to: ngtcp2_crypto_conn_ref.self)
        let state = reference.pointee.user_data.assumingMemoryBound(to: ConnectionState.self)
        let accepted = state.pointee.owner?.takeUnretainedValue().tls?.judgePeer() ?? false
        return accepted ? 0 : GNUTLS_E_CERTIFICATE_ERROR
    }

    private func judgePeer() -> Bool {
        switch judge {
        case .ofServers(let trust)?:
            let verdict = trust.judge(peerChain)
            self.verdict = verdict
            guard case .accepted = verdict else { return false }
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
    func handshakeFailed(alert: UInt8) -> UInt8 {
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
