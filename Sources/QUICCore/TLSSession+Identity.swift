internal import CQrateGnuTLS
internal import CQrateNgtcp2
internal import QrateSecurity

/// A server's choice among its certificates.
extension TLSSession {
    /// ``QUICConnection/chooseIdentity()`` is called once the client's hello was read, its extensions included.
    func askForIdentity() {
        gnutls_handshake_set_post_client_hello_function(handle) { session in
            let reference = gnutls_session_get_ptr(session)!.assumingMemoryBound(to: ngtcp2_crypto_conn_ref.self)
            let state = reference.pointee.user_data.assumingMemoryBound(to: ConnectionState.self)
            state.pointee.owner?.takeUnretainedValue().chooseIdentity()
            return 0
        }
    }

    /// Shows this certificate instead of the one that the session was made with. The caller keeps it for as long as the
    /// session lives.
    func present(_ identity: ServerIdentity) {
        // Fails only without memory; then the first one stays.
        _ = gnutls_credentials_set(handle, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(identity.credentials))
        withholdTicket()
    }
}
