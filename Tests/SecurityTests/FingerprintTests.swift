import QrateSecurity
import Testing

@Suite("fingerprints") struct FingerprintTests {
    /// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    static let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    static let pairs =
        "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"

    let fingerprint = Fingerprint(ofCertificate: Array("abc".utf8))

    @Test("a fingerprint is the SHA-256 of the certificate's bytes")
    func isSHA256() {
        #expect(fingerprint.hex == Self.hex)
        #expect(
            Fingerprint(ofCertificate: []).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test("every form that tools and messages print is read back")
    func reads() {
        for text in [
            "sha256:" + Self.hex, "SHA256:" + Self.hex.uppercased(), "Sha256:" + Self.pairs,
            "sha256:" + Self.pairs.lowercased(), fingerprint.pin, fingerprint.description,
        ] {
            #expect(Fingerprint(text) == fingerprint, "\(text)")
        }
    }

    static let malformed: [String] = {
        var texts = ["", "sha256:", hex, "sha1:\(hex)", "sha256:\(hex.dropLast())", "sha256:\(hex)0"]
        texts += ["sha256:\(hex.dropLast())g", "sha256: \(hex)", "sha256:\(pairs):", "sha256:\(pairs.dropLast())"]
        texts += ["sha256:\(pairs.split(separator: ":").joined(separator: "-"))", "sha256:+1\(hex.dropFirst(2))"]
        return texts + ["sha256:" + String(repeating: "é", count: 32)]
    }()

    @Test("anything else is refused", arguments: malformed)
    func refuses(text: String) {
        #expect(Fingerprint(text) == nil)
    }

    @Test("the short form shows both ends, the description everything")
    func describes() {
        #expect(fingerprint.short == "ba78…ad")
        #expect("\(fingerprint)" == "SHA256:" + Self.hex)
        #expect(fingerprint.pin == "sha256:" + Self.hex)
    }
}
