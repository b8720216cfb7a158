internal import CQrateGnuTLS
internal import CQrateNgtcp2
internal import QrateMeasurement
internal import QrateSecurity

/// The TLS 1.3 side of one QUIC connection: a ``TLSEnd`` that ngtcp2 works with.
///
/// Owned by ``QUICConnection``, which frees it after the ngtcp2 connection that uses it.
final class TLSSession {
    private let end: TLSEnd
    /// ngtcp2 finds its connection from the session through this; GnuTLS keeps the pointer for the session's life.
    private let reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>

    var handle: gnutls_session_t { end.handle }

    static func client(
        identity: ClientIdentity, trust: ServerTrust, serverName: String?, applicationProtocols: [String],
        cipher: CipherSuite?, sessions: SessionMemory?, keyLog: KeyLog?,
        state: UnsafeMutablePointer<ConnectionState>
    ) throws(QUICError) -> TLSSession {
        let end = Result { () throws(TLSError) in
            try TLSEnd.client(
                .quic, identity: identity, trust: trust, serverName: serverName,
                applicationProtocols: applicationProtocols, cipher: cipher, sessions: sessions, keyLog: keyLog)
        }
        let session = TLSSession(try end.mapError(QUICError.init).get(), state)
        try QUICError.check(
            ngtcp2_crypto_gnutls_configure_client_session(session.handle), "preparing the TLS client")
        gnutls_handshake_set_secret_function(session.handle, PacketKeys.takeSecrets)
        return session
    }

    static func server(
        _ credentials: ServerCredentials, applicationProtocols: [String], keyLog: KeyLog?,
        state: UnsafeMutablePointer<ConnectionState>
    ) throws(QUICError) -> TLSSession {
        let end = Result { () throws(TLSError) in
            try TLSEnd.server(.quic, credentials, applicationProtocols: applicationProtocols, keyLog: keyLog)
        }
        let session = TLSSession(try end.mapError(QUICError.init).get(), state)
        try QUICError.check(
            ngtcp2_crypto_gnutls_configure_server_session(session.handle), "preparing the TLS server")
        gnutls_handshake_set_secret_function(session.handle, PacketKeys.takeSecrets)
        return session
    }

    private init(_ end: TLSEnd, _ state: UnsafeMutablePointer<ConnectionState>) {
        self.end = end
        reference = .allocate(capacity: 1)
        reference.initialize(
            to: ngtcp2_crypto_conn_ref(
                get_conn: { reference in
                    reference!.pointee.user_data.assumingMemoryBound(to: ConnectionState.self).pointee.conn
                },
                user_data: state))
        gnutls_session_set_ptr(end.handle, reference)
    }

    deinit { reference.deallocate() }

    var cipher: String { end.cipher }
    var applicationProtocol: String? { end.applicationProtocol }
    /// Client: what was made of the server's certificate.
    var verdict: TrustVerdict? { end.verdict }
    var isResumed: Bool { end.isResumed }
    /// Server: why the client's certificate, or that it has none, was refused.
    var clientRefusal: ClientRefusal? { end.clientRefusal }

    /// Server: it presents another certificate than that which it was made with.
    func withholdTicket() { end.withholdTicket() }

    /// Server, when the handshake is complete.
    func sendTicket() { end.sendTicket() }

    /// - Returns: The alert to tell the peer, for GnuTLS's.
    func handshakeFailed(alert: UInt8) -> UInt8 { end.handshakeFailed(alert: alert) }
}
