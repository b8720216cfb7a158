import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("a server that demands client certificates") struct ClientAuthorityTests {
    let authority: TestCertificate
    let clients: ClientAuthority
    /// What it was read from; gone by now.
    let file: String

    init() throws {
        authority = try .authority()
        let directory = try TemporaryDirectory()
        file = directory.path + "/authority.pem"
        try write(authority.chainPEM, to: file)
        clients = try .load(file: file)
    }

    private static let client = TestCertificate.Request("a client", names: [], purpose: .client)

    private func refusal(_ chain: [[UInt8]]) -> ClientRefusal? {
        do throws(ClientRefusal) {
            try clients.verify(chain)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "a client's certificate of the authority is good, whatever it is called",
        arguments: TestCertificate.KeyType.trusted)
    func good(key: TestCertificate.KeyType) throws {
        for names in [[], ["paris.example.net"]] {
            let client = try authority.issue(.init("a client", names: names, key: key, purpose: .client))
            #expect(refusal(client.chain) == nil)
        }
    }

    @Test("so is one of an authority in between, with it and not without")
    func intermediate() throws {
        let middle = try authority.issue(.init("middle", names: [], isAuthority: true))
        let client = try middle.issue(Self.client)
        #expect(refusal(client.chain) == nil)
        #expect(refusal([client.der])?.cause == .unknownAuthority)
    }

    @Test("a client's self-signed certificate is good where the file holds it, and only there")
    func selfSigned() throws {
        let client = try TestCertificate.selfSigned(Self.client)
        #expect(refusal(client.chain)?.cause == .unknownAuthority)

        let directory = try TemporaryDirectory()
        let file = directory.path + "/authorities.pem"
        try write(client.certificatePEM + authority.certificatePEM, to: file)
        let both = try ClientAuthority.load(file: file)
        #expect(throws: Never.self) { try both.verify(client.chain) }
        #expect(throws: Never.self) { try both.verify(authority.issue(Self.client).chain) }
    }

    @Test("a certificate of an unknown authority is refused, also under the known one's name or with its root")
    func unknownAuthority() throws {
        for commonName in ["another authority", "test authority"] {
            let another = try TestCertificate.authority(commonName)
            let client = try another.issue(Self.client)
            for chain in [client.chain, client.chain + [another.der], client.chain + [authority.der]] {
                let refused = try #require(refusal(chain))
                #expect(refused.cause == .unknownAuthority)
                #expect(refused.tlsAlert == 48, "unknown_ca")
                #expect(
                    refused.message
                        == "the client's certificate (\(fingerprint(client))) is not signed by any authority of \(file)"
                )
            }
        }
    }

    @Test("an expired certificate is refused with its day, one of the future with this host's idea of the date")
    func dates() throws {
        var request = Self.client
        (request.notBefore, request.notAfter) = (-20 * 86_400, -10 * 86_400)
        let expired = try authority.issue(request)
        let refused = try #require(refusal(expired.chain))
        #expect(refused.cause == .expired)
        #expect(refused.message.hasPrefix("the client's certificate (\(fingerprint(expired))) expired on 20"))
        #expect(refused.tlsAlert == 45, "certificate_expired")
        #expect(refused.failure == TestFailure(.permission, refused.message))
        #expect(refused.failure.kind.exitStatus == 77)

        (request.notBefore, request.notAfter) = (10 * 86_400, 20 * 86_400)
        let early = try #require(refusal(authority.issue(request).chain))
        #expect(early.cause == .notYetValid)
        #expect(early.message.contains("this host's clock says"))

        let middle = try authority.issue(.init("middle", names: [], notBefore: -20, notAfter: -10, isAuthority: true))
        let above = try #require(refusal(middle.issue(Self.client).chain))
        #expect(above.message == "a certificate in the chain of the client has expired")
    }

    @Test("a server's certificate isn't a client's")
    func wrongPurpose() throws {
        let refused = try #require(refusal(authority.issue(.init(purpose: .server)).chain))
        #expect(refused.cause == .wrongPurpose)
        #expect(refused.message.hasSuffix("is not made for clients"))
        #expect(refused.tlsAlert == 43, "unsupported_certificate")
    }

    @Test("a short key, and a signature by somebody who is no authority, are refused")
    func otherFaults() throws {
        var request = Self.client
        request.key = .shortRSA
        let short = try #require(refusal(authority.issue(request).chain))
        #expect(short.cause == .invalid)
        #expect(short.message.contains("a key that is too short"))
        #expect(short.tlsAlert == 42, "bad_certificate")

        let leaf = try authority.issue(Self.client)
        #expect(try refusal(leaf.issue(Self.client).chain) != nil)
    }

    @Test("no certificate, too many, and garbage are refused")
    func garbage() throws {
        let none = try #require(refusal([]))
        #expect(none.cause == .noCertificate)
        #expect(none.tlsAlert == 116, "certificate_required")

        let client = try authority.issue(Self.client)
        let many = try #require(refusal(Array(repeating: client.der, count: 11)))
        #expect(many.message == "the client presents 11 certificates; a chain may have 10")
        #expect(many.cause == .invalid)

        for chain in [[[]], [[0x30]], [Array(repeating: 0xff, count: 70_000)], client.chain + [[1, 2, 3]]] {
            #expect(refusal(chain)?.message == "the client presents a certificate that cannot be read")
        }
    }

    @Test("no byte of a certificate can be changed without a refusal")
    func everyByteChanged() throws {
        let client = try authority.issue(Self.client)
        for index in client.der.indices {
            var der = client.der
            der[index] ^= 0x55
            #expect(refusal([der]) != nil, "byte \(index)")
        }
    }

    @Test("alerts that the TLS library chose itself say what it refused, or nothing of certificates")
    func alerts() {
        #expect(ClientRefusal(alert: 116)?.cause == .noCertificate)
        #expect(ClientRefusal(alert: 42)?.cause == .invalid)
        #expect(ClientRefusal(alert: 120) == nil, "no_application_protocol")
    }

    @Test("a file that is missing, or holds no certificate, is bad input and named")
    func badFile() throws {
        let missing = try #require(throws: SecurityError.self) { try ClientAuthority.load(file: "/nowhere/ca.pem") }
        #expect(missing.kind == .badInput)
        #expect(missing.message == "cannot read the authorities in /nowhere/ca.pem: No such file or directory")

        let directory = try TemporaryDirectory()
        let file = directory.path + "/authorities.pem"
        try write("hello", to: file)
        let empty = try #require(throws: SecurityError.self) { try ClientAuthority.load(file: file) }
        #expect(empty.kind == .badInput)
        #expect(empty.message.hasPrefix("\(file) holds no certificate in PEM form"))
    }
}
