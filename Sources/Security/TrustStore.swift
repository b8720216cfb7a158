internal import CQrateGnuTLS
internal import Glibc
internal import QrateMeasurement

/// The authorities that one end believes.
///
/// Load it ahead of the connection: reading the system's roots takes about 25 ms. Any number of threads may use one,
/// because it isn't changed after it was made.
package final class TrustStore: Sendable {
    /// The object is complete before `init` returns and only read afterwards, hence the `nonisolated(unsafe)`.
    private nonisolated(unsafe) let list: gnutls_x509_trust_list_t
    /// How many authorities there are. 0 where the system has none installed.
    package let count: Int
    /// The file given with `--ca` or `--client-ca`; nil for the system's roots.
    package let file: String?

    private init(_ list: gnutls_x509_trust_list_t, count: Int, file: String?) {
        self.list = list
        self.count = count
        self.file = file
    }

    deinit { gnutls_x509_trust_list_deinit(list, 1) }

    /// The roots that the operating system was set up with. Having none is no error, because servers that present a
    /// self-signed certificate need none. Blocks on the file system.
    package static func system() -> TrustStore {
        let list = makeList()
        let count = gnutls_x509_trust_list_add_system_trust(list, 0, 0)
        return TrustStore(list, count: max(0, Int(count)), file: nil)
    }

    /// The certificates in a PEM file, instead of the system's roots. Blocks on the file system.
    package static func authorities(inFile file: String) throws(SecurityError) -> TrustStore {
        guard let pem = try PrivateFile.read(file, "the authorities", limit: fileSizeLimit) else {
            throw .system("cannot read the authorities in \(file)", "open", ENOENT, otherwise: .badInput)
        }
        let list = makeList()
        let code = pem.withDatum {
            gnutls_x509_trust_list_add_trust_mem(list, &$0, nil, GNUTLS_X509_FMT_PEM, 0, 0)
        }
        guard code > 0 else {
            gnutls_x509_trust_list_deinit(list, 1)
            let code = code == 0 ? CInt(GNUTLS_E_NO_CERTIFICATE_FOUND) : code
            throw .gnutls("\(file) holds no certificate in PEM form", "gnutls_x509_trust_list_add_trust_mem", code)
        }
        return TrustStore(list, count: Int(code), file: file)
    }

    /// Debian's bundle of all public authorities has about 200 kB.
    private static let fileSizeLimit = 16 << 20

    private static func makeList() -> gnutls_x509_trust_list_t {
        var list: gnutls_x509_trust_list_t?
        precondition(gnutls_x509_trust_list_init(&list, 0) == 0, "out of memory")
        return list!
    }

    /// What is wrong with `chain` as the certificate of a TLS server or client. Empty when nothing is.
    func faults(of chain: borrowing CertificateChain, as peer: CertificateHolder) -> CertificateFaults {
        var nameKind = GNUTLS_DT_UNKNOWN
        var name: [UInt8] = []
        switch peer {
        // GnuTLS reads a host name to its NUL, whatever size is given, and would look at a part of this one.
        case .server(.dns(let host)) where host.utf8.contains(0): return [.invalid, .wrongName]
        case .server(.dns(let host)): (nameKind, name) = (GNUTLS_DT_DNS_HOSTNAME, Array(host.utf8))
        case .server(.address(let bytes)): (nameKind, name) = (GNUTLS_DT_IP_ADDRESS, bytes)
        case .client: break
        }
        let nameSize = UInt32(clamping: name.count)
        name.append(0)
        var purpose = Array(peer.keyPurpose.utf8) + [0]
        var certificates = chain.certificates
        var faults: UInt32 = 0

        let code = name.withUnsafeMutableBufferPointer { name in
            purpose.withUnsafeMutableBufferPointer { purpose in
                var wanted = [
                    gnutls_typed_vdata_st(type: GNUTLS_DT_KEY_PURPOSE_OID, data: purpose.baseAddress, size: 0)
                ]
                if case .server = peer {
                    wanted.append(gnutls_typed_vdata_st(type: nameKind, data: name.baseAddress, size: nameSize))
                }
                return gnutls_x509_trust_list_verify_crt2(
                    list, &certificates, UInt32(certificates.count), &wanted, UInt32(wanted.count),
                    CertificateFaults.mediumProfile, &faults, nil)
            }
        }
        return code == 0 ? CertificateFaults(rawValue: faults) : .invalid
    }
}

/// Whose certificate is looked at.
enum CertificateHolder {
    /// It must be made for this name.
    case server(ServerName)
    case client

    /// What the certificate must be made for, if it restricts that at all (RFC 5280 §4.2.1.12).
    var keyPurpose: String {
        switch self {
        case .server: GNUTLS_KP_TLS_WWW_SERVER
        case .client: GNUTLS_KP_TLS_WWW_CLIENT
        }
    }
}
