/// Whom a server lets in that demands certificates of its clients (`--client-ca`).
///
/// Any number of threads may use one, because it isn't changed after it was made.
package struct ClientAuthority: Sendable {
    private let authorities: TrustStore

    /// Reads the certificates of the authorities from a PEM file. Blocks on the file system.
    ///
    /// To reload, call it again: a handshake keeps the authorities that it began with.
    package static func load(file: String) throws(SecurityError) -> ClientAuthority {
        ClientAuthority(authorities: try .authorities(inFile: file))
    }

    /// Returns when the certificate is good: signed by one of the authorities (or one of those in the file itself), valid
    /// today, made for TLS clients. Names aren't looked at: whoever the authority vouches for is let in.
    ///
    /// - Parameter chain: Certificates in DER, the leaf first, as they came from the network. The TLS library has
    ///   verified, or will verify, that the client holds the leaf's private key.
    package func verify(_ chain: [[UInt8]]) throws(ClientRefusal) {
        guard let leaf = chain.first else { throw .noCertificate }
        guard chain.count <= CertificateChain.countLimit else { throw .tooLong(chain.count) }
        guard let parsed = CertificateChain.parse(chain) else { throw .unreadable }
        let faults = authorities.faults(of: parsed, as: .client)
        guard faults.isEmpty else {
            throw .faults(faults, of: parsed, Fingerprint(ofCertificate: leaf), authorities)
        }
    }
}
