import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("TLS over a stream: client certificates") struct TLSClientCertificateTests {
    private static let request = TestCertificate.Request("a client", names: [], purpose: .client)
    private let authority: TestCertificate

    init() throws { authority = try .authority() }

    private func pair(showing certificate: TestCertificate?) throws -> TLSPair {
        let directory = try TemporaryDirectory()
        let clients = try ClientAuthority.load(
            file: authority.writePEM(to: directory.path, name: "authority").chain)
        var identity = ClientIdentity()
        if let certificate {
            let files = try certificate.writePEM(to: directory.path, name: "client")
            identity = try .load(chainFile: files.chain, keyFile: files.key)
        }
        let pair = try TLSPair(
            ServerCredentials(serverIdentity(), clientAuthority: clients), identity: identity)
        pair.run()
        return pair
    }

    /// The client believes that it is connected, and then hears the alert, inside TLS.
    private func expectRefused(
        _ pair: TLSPair, _ cause: ClientRefusal.Cause, alert: UInt8, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(pair.server.connection == nil, sourceLocation: sourceLocation)
        guard case .refusedClient(let refusal)? = pair.server.failure else {
            Issue.record("\(String(describing: pair.server.failure))", sourceLocation: sourceLocation)
            return
        }
        #expect(refusal.cause == cause, sourceLocation: sourceLocation)
        #expect(pair.server.failure?.alert == alert, sourceLocation: sourceLocation)
        #expect(pair.client.connection != nil, sourceLocation: sourceLocation)
        #expect(throws: TLSFailure.alertReceived(alert), sourceLocation: sourceLocation) { try pair.client.read() }
    }

    @Test("a good certificate is let in, by key type", arguments: [TestCertificate.KeyType.ecdsaP256, .ed25519, .rsa])
    func good(key: TestCertificate.KeyType) throws {
        var request = Self.request
        request.key = key
        try expectTransfer(pair(showing: authority.issue(request)), bytes: 1_000)
    }

    @Test("no certificate: alert 116")
    func none() throws { try expectRefused(pair(showing: nil), .noCertificate, alert: 116) }

    @Test("a bad certificate: the alert says what is wrong with it")
    func bad() throws {
        try expectRefused(
            pair(showing: TestCertificate.authority().issue(Self.request)), .unknownAuthority, alert: 48)
        try expectRefused(pair(showing: authority.issue(.init(purpose: .server))), .wrongPurpose, alert: 43)
        var request = Self.request
        (request.notBefore, request.notAfter) = (-20 * 86_400, -10 * 86_400)
        try expectRefused(pair(showing: authority.issue(request)), .expired, alert: 45)
        request = Self.request
        request.key = .shortRSA
        try expectRefused(pair(showing: authority.issue(request)), .invalid, alert: 42)
    }
}
