/// The certificate chain and private key that a server presents.
package final class ServerIdentity: Sendable {
    private let owned: CertificateCredentials
    /// Of the leaf.
    package let fingerprint: Fingerprint
    package let keyKind: KeyKind
    package let origin: Origin
    /// A line for the log, where there is something to say: a certificate was made or renewed, or has expired.
    package let notice: String?

    package enum Origin: Sendable, Hashable {
        /// The operator's own files.
        case files
        /// Self-made at an earlier start.
        case kept
        /// Self-made just now.
        case made
        /// Self-made just now, because the kept one had expired. Clients that recorded that one refuse this one.
        case renewed
    }

    package var isSelfMade: Bool { origin != .files }

    /// A `gnutls_certificate_credentials_t`, borrowed: keep this object for as long as a session uses it. Any number of
    /// sessions on any threads may share it, because nobody changes it.
    package var credentials: OpaquePointer { owned.handle }

    /// - Parameter owned: Holds a certificate.
    init(
        _ owned: consuming CertificateCredentials, _ leaf: CertificateCredentials.Leaf, origin: Origin, notice: String?
    ) {
        self.owned = owned
        fingerprint = leaf.fingerprint
        keyKind = leaf.keyKind
        self.origin = origin
        self.notice = notice
    }

    /// Reads a PEM chain, leaf first, and its PEM key. Blocks on the file system.
    ///
    /// To reload, call it again: running sessions keep the identity that they began with.
    package static func load(chainFile: String, keyFile: String) throws(SecurityError) -> ServerIdentity {
        let credentials = try CertificateCredentials.load(chainFile: chainFile, keyFile: keyFile)
        let leaf = credentials.leaf!  // a loaded chain has one
        let notice =
            leaf.isExpired
            ? "the certificate in \(chainFile) expired on \(leaf.expiryDate): clients will refuse it" : nil
        return ServerIdentity(credentials, leaf, origin: .files, notice: notice)
    }
}
