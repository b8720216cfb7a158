internal import CQrateGnuTLS
internal import Glibc

/// What becomes of the tickets that come over a client's connection when the handshake is over.
///
/// Records are our own by then, but what is in a ticket is GnuTLS's business: it knows the secret that the ticket stands for.
/// So it is handed each one as a message without a record, the way that QUIC hands them over. It belongs to the reading
/// thread.
final class TLSTickets {
    /// nil when no session of this connection will be resumed.
    private let end: TLSEnd?

    /// - Parameter end: Its handshake is complete, and nobody else uses it from now on.
    init(_ end: TLSEnd) {
        self.end = end.takesTickets ? end : nil
        guard let end = self.end else { return }
        // The handshake's owner may be gone. Nothing is asked of a carrier or given to one any more; if it were, there is none.
        gnutls_session_set_ptr(end.handle, nil)
        gnutls_transport_set_ptr(end.handle, nil)
        gnutls_transport_set_push_function(end.handle) { _, _, count in count }
        gnutls_transport_set_pull_function(end.handle) { _, _, _ in 0 }
        gnutls_handshake_set_secret_function(end.handle) { _, _, _, _, _ in 0 }
        // Without one, the library would take no message from anywhere but its own records.
        gnutls_handshake_set_read_function(end.handle) { _, _, _, _, _ in 0 }
    }

    /// - Parameter message: A whole NewSessionTicket, with its header.
    func handle(_ message: ArraySlice<UInt8>) throws(TLSFailure) {
        guard let end, end.takesTickets else { return }
        let code = message.withUnsafeBytes {
            gnutls_handshake_write(end.handle, GNUTLS_ENCRYPTION_LEVEL_APPLICATION, $0.baseAddress, $0.count)
        }
        guard code < 0, gnutls_error_is_fatal(code) != 0 else { return }
        throw .failed(alert: TLSAlert.decodeError, reason: "a session ticket that makes no sense")
    }
}
