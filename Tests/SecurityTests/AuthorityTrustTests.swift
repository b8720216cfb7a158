import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

private let names = [Hierarchy.host, "*.example.org", "192.0.2.7", "2001:db8::7"]

@Suite("trust in a server: an authority's chain") struct AuthorityTrustTests {
    let hierarchy: Hierarchy

    init() throws { hierarchy = try Hierarchy() }

    @Test("a chain to the authority is accepted for each of its names", arguments: TestCertificate.KeyType.trusted)
    func accepted(key: TestCertificate.KeyType) throws {
        let server = try hierarchy.authority.issue(.init(names: names, key: key))
        for name in [
            Hierarchy.host, "PARIS.example.net", "paris.example.net.", "a.example.org", "192.0.2.7", "2001:db8::7",
            "[2001:DB8:0::7]", "2001:db8::7%eth0",
        ] {
            let verdict = hierarchy.judge(server.chain, name: name)
            #expect(verdict == .accepted(.certificateAuthority, fingerprint(server)), "\(name)")
        }
    }

    @Test("a chain over an intermediate authority is accepted, in any order behind the leaf")
    func intermediates() throws {
        let middle = try hierarchy.authority.issue(.init("middle", names: [], isAuthority: true))
        let lower = try middle.issue(.init("lower", names: [], isAuthority: true))
        let server = try lower.issue(.init(names: names))
        #expect(server.chain.count == 3)
        for chain in [
            server.chain, [server.der, middle.der, lower.der], server.chain + [hierarchy.authority.der],
        ] {
            #expect(hierarchy.judge(chain) == .accepted(.certificateAuthority, fingerprint(server)))
        }
        #expect(hierarchy.judge([server.der]).refusal?.cause == .unknownAuthority, "without the intermediates")
    }

    @Test("an authority's chain replaces what was recorded, whatever that was")
    func replacesRecord() throws {
        let server = try hierarchy.authority.issue(.init(names: names))
        let another = Fingerprint(ofCertificate: [1])
        for known in [.authority, .fingerprint(fingerprint(server)), .fingerprint(another)] as [KnownServers.Identity] {
            let verdict = hierarchy.judge(server.chain, known: known)
            #expect(verdict == .accepted(.certificateAuthority, fingerprint(server)))
        }
    }

    @Test("a self-signed certificate that --ca names is its own authority, with its name checked")
    func selfSignedAuthority() throws {
        let directory = try TemporaryDirectory()
        let server = try TestCertificate.selfSigned(.init(names: names))
        let file = try server.writePEM(to: directory.path).chain
        let store = try TrustStore.authorities(inFile: file)
        func judge(_ name: String) -> TrustVerdict {
            ServerTrust(.verify(store, serverName: name, known: nil), endpoint: name).judge(server.chain)
        }
        #expect(judge(Hierarchy.host) == .accepted(.certificateAuthority, fingerprint(server)))
        #expect(judge("rome.example.net").refusal?.cause == .wrongName)
    }

    @Test(
        "a name that isn't in the certificate is refused",
        arguments: [
            "rome.example.net", "example.net", "a.b.example.org", "192.0.2.8", "2001:db8::8", "", ".", "test server",
        ])
    func wrongName(name: String) throws {
        let server = try hierarchy.authority.issue(.init(names: names))
        let refusal = try #require(hierarchy.judge(server.chain, name: name).refusal)
        #expect(refusal.cause == .wrongName)
        #expect(refusal.message.contains("--server-name"))
        #expect(refusal.message.contains("is made for \(names.joined(separator: ", ")), not for \(name)"))
        #expect(refusal.tlsAlert == 42, "bad_certificate")
    }

    @Test("of a certificate with a hundred names the first four are shown, and of one with none that")
    func namesInMessage() throws {
        let server = try hierarchy.authority.issue(.init(names: (1...100).map { "host-\($0)" }))
        let message = try #require(hierarchy.judge(server.chain).refusal?.message)
        #expect(message.contains("is made for host-1, host-2, host-3, host-4, not for"))

        let nameless = try hierarchy.authority.issue(.init(names: []))
        #expect(hierarchy.judge(nameless.chain).refusal?.message.contains("is made for no name") == true)
    }

    @Test("of a name with a NUL in it, the part before that isn't looked at alone")
    func nameWithNUL() throws {
        let server = try hierarchy.authority.issue(.init(names: names))
        #expect(hierarchy.judge(server.chain, name: Hierarchy.host + "\u{0}.example").refusal?.cause == .wrongName)
    }

    @Test("an expired certificate is refused, with its day and its fingerprint")
    func expired() throws {
        let server = try hierarchy.authority.issue(
            .init(names: names, notBefore: -20 * 86_400, notAfter: -10 * 86_400))
        let refusal = try #require(hierarchy.judge(server.chain).refusal)
        #expect(refusal.cause == .expired)
        #expect(refusal.message.hasPrefix("the certificate of paris.example.net:5201 expired on 20"))
        #expect(refusal.message.contains("--pin " + fingerprint(server).pin))
        #expect(refusal.failure == TestFailure(.certificate, refusal.message))
        #expect(refusal.tlsAlert == 45, "certificate_expired")
    }

    @Test("an expired authority in between is told apart from an expired certificate")
    func expiredIntermediate() throws {
        let middle = try hierarchy.authority.issue(
            .init("middle", names: [], notBefore: -20, notAfter: -10, isAuthority: true))
        let server = try middle.issue(.init(names: names))
        let refusal = try #require(hierarchy.judge(server.chain).refusal)
        #expect(refusal.cause == .expired)
        #expect(refusal.message.hasPrefix("a certificate in the chain of paris.example.net:5201 has expired"))
    }

    @Test("an expired authority vouches for nobody")
    func expiredAuthority() throws {
        let directory = try TemporaryDirectory()
        let authority = try TestCertificate.selfSigned(
            .init("test authority", names: [], notBefore: -20, notAfter: -10, isAuthority: true))
        let file = try authority.writePEM(to: directory.path).chain
        let server = try authority.issue(.init(names: names))
        let policy = ServerTrust.Policy.verify(
            try .authorities(inFile: file), serverName: Hierarchy.host, known: nil)
        #expect(ServerTrust(policy, endpoint: "paris:5201").judge(server.chain).refusal?.cause == .expired)
    }

    @Test("a certificate of the future is refused, with this host's idea of the date")
    func notYetValid() throws {
        let server = try hierarchy.authority.issue(
            .init(names: names, notBefore: 10 * 86_400, notAfter: 20 * 86_400))
        let refusal = try #require(hierarchy.judge(server.chain).refusal)
        #expect(refusal.cause == .notYetValid)
        #expect(refusal.message.contains("clock"))
    }

    @Test("a certificate of an unknown authority is never trusted on first use, nor when its fingerprint is known")
    func unknownAuthority() throws {
        // The second has the same name as the trusted authority, and another key.
        for commonName in ["another authority", "test authority"] {
            let server = try TestCertificate.authority(commonName).issue(.init(names: names))
            for known in [nil, .authority, .fingerprint(fingerprint(server))] as [KnownServers.Identity?] {
                let refusal = try #require(hierarchy.judge(server.chain, known: known).refusal)
                #expect(refusal.cause == .unknownAuthority)
                #expect(refusal.message.contains("--ca FILE"))
                #expect(refusal.tlsAlert == 48, "unknown_ca")
                #expect(refusal.message.contains(hierarchy.store.file ?? "no file"))
            }
        }
    }

    @Test("presenting the unknown authority's own certificate too changes nothing")
    func unknownAuthorityWithRoot() throws {
        let authority = try TestCertificate.authority("another authority")
        let server = try authority.issue(.init(names: names))
        #expect(hierarchy.judge(server.chain + [authority.der]).refusal?.cause == .unknownAuthority)
    }

    @Test("no byte of a certificate can be changed without a refusal")
    func everyByteChanged() throws {
        let server = try hierarchy.authority.issue(.init(names: names))
        for index in server.der.indices {
            var der = server.der
            der[index] ^= 0x55
            #expect(hierarchy.judge([der]).refusal != nil, "byte \(index)")
        }
    }

    @Test("one store serves many connections at once")
    func concurrent() async throws {
        let server = try hierarchy.authority.issue(.init(names: names))
        let verdicts = await withTaskGroup(of: TrustVerdict.self) { group in
            for _ in 0..<200 { group.addTask { hierarchy.judge(server.chain) } }
            return await group.reduce(into: Set<TrustVerdict>()) { $0.insert($1) }
        }
        #expect(verdicts == [.accepted(.certificateAuthority, fingerprint(server))])
    }

    @Test("who signed it is told before when it expired, and that before its name")
    func orderOfFaults() throws {
        let expired = TestCertificate.Request(names: ["rome.example.net"], notBefore: -20, notAfter: -10)
        let unknown = try TestCertificate.authority("another authority").issue(expired)
        #expect(hierarchy.judge(unknown.chain).refusal?.cause == .unknownAuthority)
        #expect(try hierarchy.judge(hierarchy.authority.issue(expired).chain).refusal?.cause == .expired)
    }

    @Test("a certificate for clients, one with a short key, and one that a non-authority signed are refused")
    func otherFaults() throws {
        let client = try hierarchy.authority.issue(.init(names: names, purpose: .client))
        #expect(hierarchy.judge(client.chain).refusal?.cause == .invalid)
        #expect(hierarchy.judge(client.chain).refusal?.message.contains("not made for servers") == true)

        let short = try hierarchy.authority.issue(.init(names: names, key: .shortRSA))
        #expect(hierarchy.judge(short.chain).refusal?.cause == .invalid)

        let leaf = try hierarchy.authority.issue(.init("a server that plays authority", names: names))
        #expect(try hierarchy.judge(leaf.issue(.init(names: names)).chain).refusal != nil)
    }
}
