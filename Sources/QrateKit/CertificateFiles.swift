/// A certificate and its key, in PEM files.
public struct CertificateFiles: Sendable, Hashable {
    /// The certificate first, its issuers behind it.
    public var chain: String
    public var key: String

    public init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }
}
