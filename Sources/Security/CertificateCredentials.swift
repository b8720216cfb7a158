internal import CQrateGnuTLS
internal import Glibc
internal import QrateMeasurement

/// GnuTLS's credentials object with one owner: what one end presents.
///
/// `Sendable` because it is complete before anybody else sees it, and sessions only read it afterwards.
struct CertificateCredentials: ~Copyable, @unchecked Sendable {
    let handle: gnutls_certificate_credentials_t
    /// nil when nothing is presented.
    private(set) var leaf: Leaf?

    /// What its holder wants to know of the certificate.
    struct Leaf: Sendable {
        var fingerprint: Fingerprint
        var keyKind: KeyKind
        /// Seconds since 1970.
        var notAfter: time_t

        var isExpired: Bool { notAfter < time(nil) }
        var expiryDate: String { CalendarDate.text(secondsSince1970: notAfter) }
    }

    /// Presents nothing.
    init() {
        var handle: gnutls_certificate_credentials_t?
        // Fails only without memory, where Swift's own allocations end the process too.
        precondition(gnutls_certificate_allocate_credentials(&handle) == 0, "out of memory")
        self.handle = handle!
    }

    deinit { gnutls_certificate_free_credentials(handle) }

    /// Room for a chain of the longest kind. What is larger is some other file.
    static let fileSizeLimit = 1 << 20

    static func load(chainFile: String, keyFile: String) throws(SecurityError) -> CertificateCredentials {
        guard let chain = try PrivateFile.read(chainFile, "the certificate", limit: fileSizeLimit) else {
            throw .system("cannot read the certificate in \(chainFile)", "open", ENOENT, otherwise: .badInput)
        }
        guard let key = try PrivateFile.read(keyFile, "the private key", limit: fileSizeLimit) else {
            throw .system("cannot read the private key in \(keyFile)", "open", ENOENT, otherwise: .badInput)
        }
        return try parse(chain: chain, from: chainFile, key: key, from: keyFile)
    }

    /// - Parameters:
    ///   - chainFile: Names the chain in an error's message.
    ///   - keyFile: Names the key in an error's message.
    static func parse(
        chain pem: [UInt8], from chainFile: String, key keyPEM: [UInt8], from keyFile: String
    ) throws(SecurityError) -> CertificateCredentials {
        let chain = try CertificateChain.parse(pem: pem, from: chainFile)
        let key = try PrivateKey.parse(pem: keyPEM, from: keyFile)

        var credentials = CertificateCredentials()
        var certificates = chain.certificates
        let code = gnutls_certificate_set_x509_key(
            credentials.handle, &certificates, CInt(certificates.count), key.handle)  // copies both
        guard code >= 0 else {
            let what =
                code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH
                ? "the private key in \(keyFile) does not belong to the first certificate in \(chainFile), which must be the "
                    + "one it was made for"
                : "the certificate in \(chainFile) cannot be used"
            throw .gnutls(what, "gnutls_certificate_set_x509_key", code)
        }
        credentials.leaf = Leaf(
            fingerprint: try chain.leafFingerprint(), keyKind: chain.keyKind, notAfter: chain.notAfter)
        return credentials
    }
}

/// A private key, as GnuTLS holds it.
struct PrivateKey: ~Copyable {
    let handle: gnutls_x509_privkey_t

    /// Without a key in it yet.
    init() {
        var handle: gnutls_x509_privkey_t?
        precondition(gnutls_x509_privkey_init(&handle) == 0, "out of memory")
        self.handle = handle!
    }

    deinit { gnutls_x509_privkey_deinit(handle) }

    static func parse(pem: [UInt8], from file: String) throws(SecurityError) -> PrivateKey {
        let key = PrivateKey()
        let code = pem.withDatum { gnutls_x509_privkey_import2(key.handle, &$0, GNUTLS_X509_FMT_PEM, nil, 0) }
        switch code {
        case 0: return key
        case GNUTLS_E_DECRYPTION_FAILED:
            throw .gnutls(
                "the private key in \(file) is encrypted: give one without a password (mode 0600)",
                "gnutls_x509_privkey_import2", code)
        default: throw .gnutls("\(file) holds no private key in PEM form", "gnutls_x509_privkey_import2", code)
        }
    }
}
