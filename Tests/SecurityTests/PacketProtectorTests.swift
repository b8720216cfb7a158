import QrateSecurity
import Testing

@Suite("AES-GCM by each library") struct PacketProtectorTests {
    /// One key, one packet.
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var algorithm: AESGCM
        var key, nonce, header, text, sealed: String
    }

    private static let text =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        + "b16aedf5aa0de657ba637b39"
    private static let header = "feedfacedeadbeeffeedfacedeadbeefabaddad2"

    static let vectors = [
        Vector(
            testDescription: "RFC 9001 §A.3: a server's Initial packet", algorithm: .aes128,
            key: "cf3a5331653c364c88f0f379b6067e37", nonce: "0ac1493ca1905853b0bba03f",
            header: "c1000000010008f067a5502a4262b50040750001",
            text: "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a"
                + "1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a"
                + "002b00020304",
            sealed: "5a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6"
                + "ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850"
                + "abbdca3d20398c276456cbc42158407dd074ee"),
        Vector(
            testDescription: "GCM's specification, test case 2", algorithm: .aes128,
            key: "00000000000000000000000000000000", nonce: "000000000000000000000000", header: "",
            text: "00000000000000000000000000000000",
            sealed: "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"),
        Vector(
            testDescription: "GCM's specification, test case 4", algorithm: .aes128,
            key: "feffe9928665731c6d6a8f9467308308", nonce: "cafebabefacedbaddecaf888", header: header, text: text,
            sealed: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
                + "1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"),
        Vector(
            testDescription: "GCM's specification, test case 16", algorithm: .aes256,
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888", header: header, text: text,
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
                + "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test("GnuTLS's is AES-GCM", arguments: vectors)
    func gnutls(vector: Vector) throws { try check(GnuTLSProtector.self, vector) }

    @Test("libipsec-mb's is AES-GCM", .needsIPSecMB, arguments: vectors)
    func ipsecMB(vector: Vector) throws { try check(IPSecMBProtector.self, vector) }

    @Test("a key of another length is none")
    func keyLength() {
        for count in [0, 15, 17, 24, 32] {
            let key = [UInt8](repeating: 1, count: count)
            key.withUnsafeBytes {
                #expect(GnuTLSProtector(.aes128, key: $0) == nil)
                #expect(IPSecMBProtector(.aes128, key: $0) == nil)
            }
        }
    }

    @Test("less than a tag is refused", .needsIPSecMB)
    func shorterThanATag() throws {
        try withProtector(IPSecMBProtector.self, .aes128, [UInt8](repeating: 1, count: 16)) { protector in
            for count in 0..<AESGCM.tagSize {
                #expect(protector.open([UInt8](repeating: 0, count: count), [1], nonce: nonce) == nil)
            }
        }
    }

    private let nonce = [UInt8](repeating: 7, count: AESGCM.nonceSize)

    private func check<Protector: PacketProtector>(_: Protector.Type, _ vector: Vector) throws {
        let text = bytes(vector.text), header = bytes(vector.header), nonce = bytes(vector.nonce)
        let expected = bytes(vector.sealed)
        try withProtector(Protector.self, vector.algorithm, bytes(vector.key)) { protector in
            #expect(protector.seal(text, header, nonce: nonce) == expected)
            #expect(protector.open(expected, header, nonce: nonce) == text)
            for position in [0, expected.count / 2, expected.count - 1] {
                var forged = expected
                forged[position] ^= 1
                #expect(protector.open(forged, header, nonce: nonce) == nil)
            }
        }
    }

    private func withProtector<Protector: PacketProtector>(
        _: Protector.Type, _ algorithm: AESGCM, _ key: [UInt8], _ body: (Protector) -> Void
    ) throws {
        let protector = try #require(key.withUnsafeBytes { Protector(algorithm, key: $0) })
        defer { protector.free() }
        body(protector)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { UInt8(Character(UnicodeScalar($0)).hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension PacketProtector {
    fileprivate func seal(_ text: [UInt8], _ header: [UInt8], nonce: [UInt8]) -> [UInt8]? {
        var sealed = [UInt8](repeating: 0, count: text.count + AESGCM.tagSize)
        return seal(text, count: text.count, into: &sealed, nonce: nonce, header: header, headerCount: header.count)
            ? sealed : nil
    }

    fileprivate func open(_ sealed: [UInt8], _ header: [UInt8], nonce: [UInt8]) -> [UInt8]? {
        var text = [UInt8](repeating: 0, count: max(0, sealed.count - AESGCM.tagSize))
        return open(sealed, count: sealed.count, into: &text, nonce: nonce, header: header, headerCount: header.count)
            ? text : nil
    }
}
