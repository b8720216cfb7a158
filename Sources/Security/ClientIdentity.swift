/// What a client shows of itself: nothing, or the certificate given with `--client-cert` and `--client-key`.
///
/// It holds no trusted roots on purpose. The server's certificate is judged by ``ServerTrust``, in one place.
package final class ClientIdentity: Sendable {
    private let owned: CertificateCredentials

    /// Of the leaf; nil without a certificate.
    var fingerprint: Fingerprint? { owned.leaf?.fingerprint }

    /// Without a certificate.
    package init() { owned = CertificateCredentials() }

    private init(_ owned: consuming CertificateCredentials) { self.owned = owned }

    /// Reads a PEM chain, leaf first, and its PEM key. Blocks on the file system.
    package static func load(chainFile: String, keyFile: String) throws(SecurityError) -> ClientIdentity {
        ClientIdentity(try CertificateCredentials.load(chainFile: chainFile, keyFile: keyFile))
    }

    /// A `gnutls_certificate_credentials_t`, borrowed: keep this object for as long as a session uses it. Any number of
    /// sessions on any threads may share it, because nobody changes it.
    package var credentials: OpaquePointer { owned.handle }
}
