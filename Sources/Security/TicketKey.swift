internal import CQrateGnuTLS
internal import Glibc

/// What a server seals its session tickets with (RFC 8446 §4.6.1): with it in memory alone, a server holds no session.
///
/// Every ticket is worth nothing once the key is gone. So each set of credentials has one of its own, made when it is
/// loaded, and whoever comes back after the certificate was replaced sees the new one. Within its life GnuTLS derives the keys
/// in use from it, and goes over to others by the clock: a ticket is good for six hours.
final class TicketKey: Sendable {
    /// Only read after `init`, hence the `nonisolated(unsafe)`.
    private nonisolated(unsafe) let key: gnutls_datum_t

    /// nil where there is no randomness or no memory: no session is resumed then.
    init?() {
        var key = gnutls_datum_t()
        guard gnutls_session_ticket_key_generate(&key) == 0 else { return nil }
        self.key = key
    }

    deinit {
        explicit_bzero(key.data, Int(key.size))
        free(key.data)
    }

    /// Lets a server's session send and take tickets. The key is copied.
    ///
    /// - Parameter session: A `gnutls_session_t`.
    func enable(in session: OpaquePointer) -> Bool {
        var key = key
        return gnutls_session_ticket_enable_server(session, &key) == 0
    }
}
