/// What a server shows of itself, and what it demands of its clients.
package struct ServerCredentials: Sendable {
    package var identity: ServerIdentity
    /// nil when clients need no certificate.
    package var clientAuthority: ClientAuthority?

    package init(_ identity: ServerIdentity, clientAuthority: ClientAuthority? = nil) {
        self.identity = identity
        self.clientAuthority = clientAuthority
    }
}
