internal import CQrateGnuTLS
internal import Glibc
internal import QrateMeasurement

/// Parsed X.509 certificates, the leaf first.
struct CertificateChain: ~Copyable {
    /// More than any public or private hierarchy has. GnuTLS itself works with at most 16.
    static let countLimit = 10

    /// Never empty, never nil: the optional is how the import of C types spells an array of handles.
    let certificates: [gnutls_x509_crt_t?]

    private init(owning certificates: [gnutls_x509_crt_t?]) { self.certificates = certificates }

    deinit { for certificate in certificates { gnutls_x509_crt_deinit(certificate) } }

    /// What a peer presented. nil when it isn't 1 to ``countLimit`` certificates in DER.
    static func parse(_ chain: [[UInt8]]) -> CertificateChain? {
        guard (1...countLimit).contains(chain.count) else { return nil }
        var certificates: [gnutls_x509_crt_t?] = []
        for der in chain {
            var certificate: gnutls_x509_crt_t?
            guard gnutls_x509_crt_init(&certificate) == 0 else { break }
            certificates.append(certificate)
            guard der.withDatum({ gnutls_x509_crt_import(certificate, &$0, GNUTLS_X509_FMT_DER) }) == 0 else { break }
            if certificates.count == chain.count { return CertificateChain(owning: certificates) }
        }
        for certificate in certificates { gnutls_x509_crt_deinit(certificate) }
        return nil
    }

    /// What a file holds, in PEM: the leaf, then its issuers, which are put in order.
    static func parse(pem: [UInt8], from file: String) throws(SecurityError) -> CertificateChain {
        var list: UnsafeMutablePointer<gnutls_x509_crt_t?>?
        var count: UInt32 = 0
        let code = pem.withDatum {
            gnutls_x509_crt_list_import2(
                &list, &count, &$0, GNUTLS_X509_FMT_PEM, UInt32(GNUTLS_X509_CRT_LIST_SORT.rawValue))
        }
        guard code >= 0, let list, count > 0 else {
            throw .gnutls("\(file) holds no certificate chain in PEM form", "gnutls_x509_crt_list_import2", code)
        }
        defer { free(list) }
        let chain = CertificateChain(owning: Array(UnsafeBufferPointer(start: list, count: Int(count))))
        guard count <= countLimit else {
            throw SecurityError(.badInput, "\(file) holds \(count) certificates; a chain has at most \(countLimit)")
        }
        return chain
    }

    var leaf: gnutls_x509_crt_t { certificates[0]! }  // never empty, never nil: see `certificates`

    /// Until when, and since when, the leaf is valid: seconds since 1970.
    var notAfter: time_t { gnutls_x509_crt_get_expiration_time(leaf) }
    var notBefore: time_t { gnutls_x509_crt_get_activation_time(leaf) }

    var keyKind: KeyKind {
        var bits: UInt32 = 0
        let algorithm = gnutls_x509_crt_get_pk_algorithm(leaf, &bits)
        switch gnutls_pk_algorithm_t(rawValue: UInt32(max(0, algorithm))) {
        case GNUTLS_PK_ECDSA where bits == 256: return .ecdsaP256
        case GNUTLS_PK_EDDSA_ED25519: return .ed25519
        default: return .other
        }
    }

    func leafFingerprint() throws(SecurityError) -> Fingerprint {
        var der = gnutls_datum_t()
        let code = gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_DER, &der)
        guard code == 0 else { throw .gnutls("cannot read a certificate", "gnutls_x509_crt_export2", code) }
        return Fingerprint(ofCertificate: der.takeBytes())
    }
}

extension CertificateChain {
    /// What is wrong with the leaf when it is taken as its own issuer. Empty when its own key signed it and it is valid
    /// today; ``CertificateFaults/isUntrusted`` when it isn't self-signed, whatever names it bears.
    func faultsAsSelfSigned() -> CertificateFaults {
        var faults: UInt32 = 0
        var issuer = certificates[0]
        // DO_NOT_ALLOW_SAME: a certificate found in the list of trusted ones would pass without a look at its signature.
        // DISABLE_CA_SIGN: a server's own certificate doesn't claim to be an authority.
        let flags =
            GNUTLS_VERIFY_DO_NOT_ALLOW_SAME.rawValue | GNUTLS_VERIFY_DISABLE_CA_SIGN.rawValue
            | CertificateFaults.mediumProfile
        let code = gnutls_x509_crt_verify(leaf, &issuer, 1, flags, &faults)
        return code == 0 ? CertificateFaults(rawValue: faults) : [.invalid, .wrongSignature]
    }
}

extension CertificateChain {
    /// The first few host names and addresses that the leaf is made for, as it spells them: a peer chose them.
    var names: [String] {
        var names: [String] = []
        while names.count < 4 {
            var bytes = [UInt8](repeating: 0, count: 256)
            var count = bytes.count
            let kind = gnutls_x509_crt_get_subject_alt_name(leaf, UInt32(names.count), &bytes, &count, nil)
            // Negative behind the last one; also when one is longer than a host name may be.
            guard kind >= 0, (0...bytes.count).contains(count) else { break }
            let isAddress = kind == CInt(GNUTLS_SAN_IPADDRESS.rawValue)
            let address = isAddress ? ServerName.text(ofAddress: bytes.prefix(count)) : nil
            names.append(address ?? String(decoding: bytes.prefix(count), as: UTF8.self))
        }
        return names
    }
}

extension CertificateChain {
    /// Says that it has expired: the leaf, which a message calls `certificate`, or another one of `owner`'s.
    func expiry(of certificate: String, from owner: String, now: time_t) -> String {
        notAfter < now
            ? "\(certificate) expired on \(CalendarDate.text(secondsSince1970: notAfter))"
            : "a certificate in the chain of \(owner) has expired"
    }

    /// Says that it isn't valid yet, or that this host's clock is wrong.
    func activation(of certificate: String, from owner: String, now: time_t) -> String {
        let what =
            notBefore > now
            ? "\(certificate) is not valid before \(CalendarDate.text(secondsSince1970: notBefore))"
            : "a certificate in the chain of \(owner) is not valid yet"
        return "\(what), and this host's clock says \(CalendarDate.text(secondsSince1970: now))"
    }
}

/// What GnuTLS found wrong with a chain: `gnutls_certificate_status_t`.
struct CertificateFaults: OptionSet, Hashable {
    let rawValue: UInt32

    static let invalid = Self(GNUTLS_CERT_INVALID)
    static let expired = Self(GNUTLS_CERT_EXPIRED)
    static let notYetValid = Self(GNUTLS_CERT_NOT_ACTIVATED)
    static let wrongName = Self(GNUTLS_CERT_UNEXPECTED_OWNER)
    static let wrongPurpose = Self(GNUTLS_CERT_PURPOSE_MISMATCH)
    static let insecureAlgorithm = Self(GNUTLS_CERT_INSECURE_ALGORITHM)
    static let unknownSigner = Self(GNUTLS_CERT_SIGNER_NOT_FOUND)
    static let signerNotAuthority = Self(GNUTLS_CERT_SIGNER_NOT_CA)
    static let wrongSignature = Self(GNUTLS_CERT_SIGNATURE_FAILURE)

    /// No path of right signatures leads to a trusted certificate.
    var isUntrusted: Bool { !isDisjoint(with: [.unknownSigner, .signerNotAuthority, .wrongSignature]) }

    /// 112 bits of security: RSA from 2048 bits, no SHA-1. The macro `GNUTLS_PROFILE_TO_VFLAGS` isn't imported.
    static let mediumProfile = GNUTLS_PROFILE_MEDIUM.rawValue << 24

    init(rawValue: UInt32) { self.rawValue = rawValue }
    private init(_ status: gnutls_certificate_status_t) { rawValue = status.rawValue }
}

/// What kind of key a certificate has, as far as a peer cares.
package enum KeyKind: Sendable, Hashable {
    case ecdsaP256
    case ed25519
    case other

    /// xfr's client takes no other certificate than these, whoever signed it.
    package var isKnownToXfr: Bool { self != .other }
}

extension [UInt8] {
    /// Lends the bytes to GnuTLS, whose type for them is mutable although it only reads.
    func withDatum<Result>(_ body: (inout gnutls_datum_t) -> Result) -> Result {
        withUnsafeBufferPointer { bytes in
            var datum = gnutls_datum_t(
                data: UnsafeMutablePointer(mutating: bytes.baseAddress), size: UInt32(clamping: bytes.count))
            return body(&datum)
        }
    }
}

extension gnutls_datum_t {
    /// Copies what GnuTLS allocated, and frees it.
    func takeBytes() -> [UInt8] {
        defer { free(data) }
        return Array(UnsafeBufferPointer(start: data, count: Int(size)))
    }
}
