import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("two connections in memory: the client's certificate") struct ClientCertificateTests {
    let authority: TestCertificate

    init() throws { authority = try .authority() }

    private static let request = TestCertificate.Request("a client", names: [], purpose: .client)

    /// A server that demands certificates of `authority`, and a client that shows this one.
    private func pair(showing certificate: TestCertificate?, demanding: Bool = true) throws -> ConnectionPair {
        let directory = try TemporaryDirectory()
        var options = ConnectionPair.Options(identity: try testIdentity())
        if demanding {
            options.clientAuthority = try .load(file: authority.writePEM(to: directory.path, name: "authority").chain)
        }
        if let certificate {
            let files = try certificate.writePEM(to: directory.path, name: "client")
            options.clientIdentity = try .load(chainFile: files.chain, keyFile: files.key)
        }
        return try ConnectionPair(options)
    }

    /// The client believes that it is connected, says so, and then hears the alert; the server takes nothing from it.
    private func expectRefused(
        _ pair: ConnectionPair, _ cause: ClientRefusal.Cause, alert: UInt8,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try pair.run { $0.client.isHandshakeComplete }
        try pair.client.openControl()
        pair.client.sendControl(Array("hello".utf8))
        try pair.run { $0.client.isFinished && $0.server?.isFinished == true }
        #expect(pair.server?.clientRefusal?.cause == cause, sourceLocation: sourceLocation)
        #expect(pair.serverEvents.last == .ended(.tlsAlert(alert)), sourceLocation: sourceLocation)
        #expect(
            pair.clientEvents.last == .ended(.transportErrorFromPeer(code: 0x100 + UInt64(alert), reason: "")),
            sourceLocation: sourceLocation)
        #expect(!pair.serverEvents.contains(.handshakeCompleted), sourceLocation: sourceLocation)
        #expect(pair.controlAtServer == [], sourceLocation: sourceLocation)
    }

    @Test("a good certificate is let in, by key type", arguments: [TestCertificate.KeyType.ecdsaP256, .ed25519, .rsa])
    func good(key: TestCertificate.KeyType) throws {
        var request = Self.request
        request.key = key
        let pair = try pair(showing: authority.issue(request))
        #expect(try pair.handshake())
        #expect(pair.server?.clientRefusal == nil)
        try pair.client.openControl()
        pair.client.sendControl(Array("hello".utf8))
        #expect(try pair.run { $0.controlAtServer == Array("hello".utf8) })
    }

    @Test("a chain over an authority in between is let in")
    func intermediate() throws {
        let middle = try authority.issue(.init("middle", names: [], isAuthority: true))
        #expect(try pair(showing: middle.issue(Self.request)).handshake())
    }

    @Test("no certificate: alert 116")
    func none() throws {
        try expectRefused(pair(showing: nil), .noCertificate, alert: 116)
    }

    @Test("a bad certificate: the alert says what is wrong with it")
    func bad() throws {
        try expectRefused(
            pair(showing: TestCertificate.authority().issue(Self.request)), .unknownAuthority, alert: 48)
        try expectRefused(pair(showing: .selfSigned(Self.request)), .unknownAuthority, alert: 48)
        try expectRefused(pair(showing: authority.issue(.init(purpose: .server))), .wrongPurpose, alert: 43)
        var request = Self.request
        (request.notBefore, request.notAfter) = (-20 * 86_400, -10 * 86_400)
        try expectRefused(pair(showing: authority.issue(request)), .expired, alert: 45)
        (request.notBefore, request.notAfter) = (10 * 86_400, 20 * 86_400)
        try expectRefused(pair(showing: authority.issue(request)), .notYetValid, alert: 45)
        request = Self.request
        request.key = .shortRSA
        try expectRefused(pair(showing: authority.issue(request)), .invalid, alert: 42)
    }

    @Test("a server that demands none doesn't ask, so that a bad certificate does no harm")
    func notDemanded() throws {
        for certificate in [nil, try TestCertificate.selfSigned(Self.request)] {
            let pair = try pair(showing: certificate, demanding: false)
            #expect(try pair.handshake())
            #expect(pair.server?.clientRefusal == nil)
        }
    }

    @Test("a refusal for another reason is none of the client's certificate")
    func otherAlert() throws {
        var options = ConnectionPair.Options(identity: try testIdentity())
        let directory = try TemporaryDirectory()
        options.clientAuthority = try .load(file: authority.writePEM(to: directory.path).chain)
        options.clientProtocols = ["another"]
        let pair = try ConnectionPair(options)
        try pair.run { $0.client.isFinished }
        #expect(pair.serverEvents.last == .ended(.tlsAlert(120)))
        #expect(pair.server?.clientRefusal == nil)
    }
}
