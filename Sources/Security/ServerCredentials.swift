/// What a server shows of itself, and what it demands of its clients.
package struct ServerCredentials: Sendable {
    package var identity: ServerIdentity
    /// Shown instead to clients of these application protocols (ALPN).
    package var alternatives: [String: ServerIdentity]
    /// nil when clients need no certificate.
    package var clientAuthority: ClientAuthority?

    package init(
        _ identity: ServerIdentity, alternatives: [String: ServerIdentity] = [:],
        clientAuthority: ClientAuthority? = nil
    ) {
        self.identity = identity
        self.alternatives = alternatives
        self.clientAuthority = clientAuthority
    }
}
