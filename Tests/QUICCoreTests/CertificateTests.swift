import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("two connections in memory: the server's certificate") struct CertificateTests {
    private static let host = "paris.example.net"
    private static let recordPlace = KnownServers.Place(file: "/state/known_servers", line: 7)

    /// How a client with this policy fares with a server that has this certificate.
    private func connect(_ certificate: TestCertificate, _ policy: ServerTrust.Policy) throws -> ConnectionPair {
        let identity = try identity(of: certificate)
        let trust = ServerTrust(policy, endpoint: Self.host + ":5201")
        var options = ConnectionPair.Options(identity: identity, trust: trust)
        options.serverName = Self.host
        let pair = try ConnectionPair(options)
        try pair.run(limit: .seconds(5)) { pair in
            pair.client.isHandshakeComplete && pair.server?.isHandshakeComplete == true || !pair.clientEndings.isEmpty
        }
        return pair
    }

    private func expectAccepted(
        _ pair: ConnectionPair, _ verification: CertificateVerification, _ certificate: TestCertificate,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let fingerprint = Fingerprint(ofCertificate: certificate.der)
        #expect(pair.client.verdict == .accepted(verification, fingerprint), sourceLocation: sourceLocation)
        try pair.transfer(.upload, bytes: 1_000, sourceLocation: sourceLocation)
    }

    /// The client ends with the cause's alert, the server hears it, and nobody gets as far as data.
    private func expectRefused(
        _ pair: ConnectionPair, _ cause: TrustRefusal.Cause, alert: UInt8,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        guard case .refused(let refusal) = pair.client.verdict else {
            Issue.record("verdict \(String(describing: pair.client.verdict))", sourceLocation: sourceLocation)
            return
        }
        #expect(refusal.cause == cause, sourceLocation: sourceLocation)
        #expect(refusal.tlsAlert == alert, sourceLocation: sourceLocation)
        #expect(pair.clientEndings == [.tlsAlert(alert)], sourceLocation: sourceLocation)
        try pair.run(for: .seconds(5))
        #expect(
            pair.serverEndings == [.transportErrorFromPeer(code: 0x100 + UInt64(alert), reason: "")],
            sourceLocation: sourceLocation)
        #expect(!pair.client.isHandshakeComplete, sourceLocation: sourceLocation)
        #expect(pair.server?.isHandshakeComplete == false, sourceLocation: sourceLocation)
        #expect(!pair.serverEvents.contains(.handshakeCompleted), sourceLocation: sourceLocation)
        #expect(pair.client.isFinished, sourceLocation: sourceLocation)
    }

    @Test("pinned: this certificate and no other")
    func pinned() throws {
        let server = try TestCertificate.selfSigned()
        let pin = Fingerprint(ofCertificate: server.der)
        try expectAccepted(connect(server, .pinned(pin)), .pinned, server)
        try expectRefused(
            connect(.selfSigned(), .pinned(pin)), .pinMismatch, alert: 46)
    }

    @Test("an authority's certificate, by key type", arguments: [TestCertificate.KeyType.ecdsaP256, .ed25519, .rsa])
    func authority(key: TestCertificate.KeyType) throws {
        let authority = try TestCertificate.authority()
        let middle = try authority.issue(.init("middle", names: [], isAuthority: true))
        let server = try middle.issue(.init(names: [Self.host], key: key))
        let policy = ServerTrust.Policy.verify(try trustStore(of: authority), serverName: Self.host, known: nil)
        try expectAccepted(connect(server, policy), .certificateAuthority, server)
    }

    @Test("an authority's certificate that isn't in order")
    func authorityRefused() throws {
        let authority = try TestCertificate.authority()
        let policy = ServerTrust.Policy.verify(try trustStore(of: authority), serverName: Self.host, known: nil)
        func refuse(_ certificate: TestCertificate, _ cause: TrustRefusal.Cause, alert: UInt8) throws {
            try expectRefused(connect(certificate, policy), cause, alert: alert)
        }
        try refuse(TestCertificate.authority("another").issue(.init(names: [Self.host])), .unknownAuthority, alert: 48)
        try refuse(authority.issue(.init(names: ["rome.example.net"])), .wrongName, alert: 42)
        try refuse(
            authority.issue(.init(names: [Self.host], notBefore: -20 * 86_400, notAfter: -10 * 86_400)), .expired,
            alert: 45)
        try refuse(
            authority.issue(.init(names: [Self.host], notBefore: 10 * 86_400, notAfter: 20 * 86_400)), .notYetValid,
            alert: 45)
        try refuse(authority.issue(.init(names: [Self.host], purpose: .client)), .invalid, alert: 42)
    }

    @Test("a self-signed certificate: trusted on first use, known, changed, where an authority was recorded, expired")
    func selfSigned() throws {
        let server = try TestCertificate.selfSigned(.init(names: ["elsewhere"]))
        let store = try trustStore(of: .authority())
        func policy(_ known: KnownServers.Identity?) -> ServerTrust.Policy {
            let record = known.map { KnownServers.Record($0, since: "2026-11-20", place: Self.recordPlace) }
            return .verify(store, serverName: Self.host, known: record)
        }
        let own = Fingerprint(ofCertificate: server.der), another = Fingerprint(ofCertificate: [1])
        try expectAccepted(connect(server, policy(nil)), .firstUse, server)
        try expectAccepted(connect(server, policy(.fingerprint(own))), .known(since: "2026-11-20"), server)
        try expectRefused(connect(server, policy(.fingerprint(another))), .changedFingerprint, alert: 46)
        try expectRefused(connect(server, policy(.authority)), .selfSignedWhereAuthorityRecorded, alert: 46)
        let expired = try TestCertificate.selfSigned(.init(notBefore: -20 * 86_400, notAfter: -10 * 86_400))
        try expectRefused(connect(expired, policy(nil)), .expired, alert: 45)
    }

    @Test("insecure: anything goes, and the verdict says so")
    func insecure() throws {
        for certificate in [
            try TestCertificate.selfSigned(.init(names: ["elsewhere"])),
            try TestCertificate.selfSigned(.init(notBefore: -20 * 86_400, notAfter: -10 * 86_400)),
            try TestCertificate.authority().issue(.init(names: ["rome.example.net"])),
        ] {
            try expectAccepted(connect(certificate, .insecure), .unverified, certificate)
        }
    }
}
