/// What a server shows of itself, and what it demands of its clients.
package struct ServerCredentials: Sendable {
    package var identity: ServerIdentity
    /// Shown instead to clients of these application protocols (ALPN).
    package var alternatives: [String: ServerIdentity]
    /// nil when clients need no certificate.
    package var clientAuthority: ClientAuthority?
    /// Lives as long as these credentials: sessions aren't resumed across a reload. nil where the library has no randomness.
    private let ticketKey: TicketKey?

    package init(
        _ identity: ServerIdentity, alternatives: [String: ServerIdentity] = [:],
        clientAuthority: ClientAuthority? = nil
    ) {
        self.identity = identity
        self.alternatives = alternatives
        self.clientAuthority = clientAuthority
        ticketKey = TicketKey()
    }

    /// What tickets are sealed with; nil when no session is resumed.
    ///
    /// A server that demands certificates of its clients resumes none: a resumed session shows no certificate, and one that
    /// expired meanwhile, or whose authority was taken off the list, would go unnoticed.
    var tickets: TicketKey? { clientAuthority == nil ? ticketKey : nil }
}
