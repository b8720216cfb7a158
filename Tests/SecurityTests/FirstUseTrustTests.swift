import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("trust in a server: first use") struct FirstUseTrustTests {
    let hierarchy: Hierarchy

    init() throws { hierarchy = try Hierarchy() }

    @Test(
        "a self-signed certificate is trusted on first use, whatever its name",
        arguments: TestCertificate.KeyType.trusted)
    func firstUse(key: TestCertificate.KeyType) throws {
        let server = try TestCertificate.selfSigned(.init(names: ["elsewhere.example"], key: key))
        #expect(hierarchy.judge(server.chain) == .accepted(.firstUse, fingerprint(server)))
    }

    @Test("it is known when it comes again, since the day of the first contact")
    func known() throws {
        let server = try TestCertificate.selfSigned()
        let verdict = hierarchy.judge(server.chain, known: .fingerprint(fingerprint(server)))
        #expect(verdict == .accepted(.known(since: "2026-11-20"), fingerprint(server)))
    }

    @Test("another self-signed certificate is refused, naming both and the line to remove")
    func changed() throws {
        let recorded = try TestCertificate.selfSigned()
        let server = try TestCertificate.selfSigned()
        let refusal = try #require(
            hierarchy.judge(server.chain, known: .fingerprint(fingerprint(recorded))).refusal)
        #expect(refusal.cause == .changedFingerprint)
        #expect(refusal.message.contains("\(fingerprint(server)), not \(fingerprint(recorded))"))
        #expect(refusal.message.contains("remove line 7 of /state/known_servers"))
        #expect(refusal.message.contains("--pin " + fingerprint(server).pin))
        #expect(refusal.message.contains("--insecure"))
        #expect(refusal.tlsAlert == 46, "certificate_unknown")
    }

    @Test("a self-signed certificate where an authority was recorded is refused, naming the line to remove")
    func authorityRecorded() throws {
        let server = try TestCertificate.selfSigned(.init(names: [Hierarchy.host]))
        let refusal = try #require(hierarchy.judge(server.chain, known: .authority).refusal)
        #expect(refusal.cause == .selfSignedWhereAuthorityRecorded)
        #expect(refusal.message.contains("2026-11-20"))
        #expect(refusal.message.contains("remove line 7 of /state/known_servers"))
    }

    @Test("its dates count, at the first contact and later")
    func dates() throws {
        let expired = try TestCertificate.selfSigned(.init(notBefore: -20, notAfter: -10))
        let future = try TestCertificate.selfSigned(.init(notBefore: 1000, notAfter: 2000))
        for (server, cause) in [(expired, .expired), (future, .notYetValid)] as [(_, TrustRefusal.Cause)] {
            #expect(hierarchy.judge(server.chain).refusal?.cause == cause)
            let known = KnownServers.Identity.fingerprint(fingerprint(server))
            #expect(hierarchy.judge(server.chain, known: known).refusal?.cause == cause)
        }
    }

    @Test("a change is told before an expiry")
    func changeBeforeExpiry() throws {
        let server = try TestCertificate.selfSigned(.init(notBefore: -20, notAfter: -10))
        let another = KnownServers.Identity.fingerprint(Fingerprint(ofCertificate: [1]))
        #expect(hierarchy.judge(server.chain, known: another).refusal?.cause == .changedFingerprint)
        #expect(hierarchy.judge(server.chain, known: .authority).refusal?.cause == .selfSignedWhereAuthorityRecorded)
    }

    @Test("bearing its issuer's name doesn't make a certificate self-signed")
    func sameNameIsNotSelfSigned() throws {
        let authority = try TestCertificate.authority("twin")
        let server = try authority.issue(.init("twin", names: [Hierarchy.host]))
        #expect(hierarchy.judge([server.der]).refusal?.cause == .unknownAuthority)
        #expect(hierarchy.judge([server.der, authority.der]).refusal?.cause == .unknownAuthority)
    }

    @Test("a self-signed certificate with a broken signature is not self-signed")
    func brokenSignature() throws {
        var der = try TestCertificate.selfSigned().der
        der[der.count - 1] ^= 1  // the last byte of the signature
        let refusal = try #require(hierarchy.judge([der]).refusal)
        #expect(refusal.cause == .unknownAuthority || refusal.cause == .invalid)
    }

    @Test("a self-signed certificate with a key that is too short is refused")
    func shortKey() throws {
        let server = try TestCertificate.selfSigned(.init(key: .shortRSA))
        #expect(hierarchy.judge(server.chain).refusal?.cause == .invalid)
    }

    @Test("the certificate that a server makes for itself is trusted on first use")
    func keptIdentity() throws {
        let directory = try TemporaryDirectory()
        let identity = try ServerIdentity.kept(in: directory.path + "/state")
        let server = try leaf(inPEM: directory.path + "/state/server.pem")
        #expect(Fingerprint(ofCertificate: server) == identity.fingerprint)
        #expect(hierarchy.judge([server]) == .accepted(.firstUse, identity.fingerprint))
    }
}
