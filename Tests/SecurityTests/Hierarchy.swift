import FoundationEssentials
import QrateMeasurement
import QrateSecurity
import QrateTestSupport

/// An authority, and a client that believes it and no other.
struct Hierarchy: Sendable {
    let authority: TestCertificate
    let store: TrustStore

    static let host = "paris.example.net"

    init() throws {
        authority = try .authority()
        let directory = try TemporaryDirectory()
        let file = directory.path + "/authority.pem"
        try write(authority.chainPEM, to: file)
        store = try .authorities(inFile: file)
    }

    func judge(
        _ chain: [[UInt8]], name: String = host, known: KnownServers.Identity? = nil
    ) -> TrustVerdict {
        let place = KnownServers.Place(file: "/state/known_servers", line: 7)
        let record = known.map { KnownServers.Record($0, since: "2026-11-20", place: place) }
        return ServerTrust(.verify(store, serverName: name, known: record), endpoint: "\(name):5201").judge(chain)
    }
}

extension TestCertificate.KeyType {
    /// Those that are good enough.
    static let trusted: [Self] = [.ecdsaP256, .ed25519, .rsa]
}

func fingerprint(_ certificate: TestCertificate) -> Fingerprint { Fingerprint(ofCertificate: certificate.der) }

extension TrustVerdict {
    /// nil when accepted.
    var refusal: TrustRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }
}

/// The first certificate of a PEM file, in DER.
func leaf(inPEM file: String) throws -> [UInt8] {
    let lines = try text(of: file).split(separator: "\n")
        .drop { $0 != "-----BEGIN CERTIFICATE-----" }.dropFirst()
        .prefix { $0 != "-----END CERTIFICATE-----" }
    return Array(Data(base64Encoded: lines.joined()) ?? Data())
}
