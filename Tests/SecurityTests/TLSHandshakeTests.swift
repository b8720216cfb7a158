import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("TLS over a stream: the handshake") struct TLSHandshakeTests {
    private static let host = "paris.example.net"
    private static let place = KnownServers.Place(file: "/state/known_servers", line: 7)

    private func connect(_ certificate: TestCertificate, _ policy: ServerTrust.Policy) throws -> TLSPair {
        let pair = try TLSPair(
            ServerCredentials(serverIdentity(certificate)),
            trust: ServerTrust(policy, endpoint: Self.host + ":5201"), serverName: Self.host)
        pair.run()
        return pair
    }

    private func expectAccepted(
        _ pair: TLSPair, _ verification: CertificateVerification, _ certificate: TestCertificate,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let verdict = TrustVerdict.accepted(verification, Fingerprint(ofCertificate: certificate.der))
        let client = try #require(pair.client.connection, sourceLocation: sourceLocation)
        let server = try #require(pair.server.connection, sourceLocation: sourceLocation)
        #expect(client.verdict == verdict, sourceLocation: sourceLocation)
        #expect(server.verdict == nil, sourceLocation: sourceLocation)
        #expect(client.applicationProtocol == "qrate/1", sourceLocation: sourceLocation)
        #expect(server.applicationProtocol == "qrate/1", sourceLocation: sourceLocation)
    }

    /// The client refuses with the cause's alert, the server hears it, and neither gets as far as data.
    private func expectRefused(
        _ pair: TLSPair, _ cause: TrustRefusal.Cause, alert: UInt8, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        guard case .refusedServer(let refusal)? = pair.client.failure else {
            Issue.record("\(String(describing: pair.client.failure))", sourceLocation: sourceLocation)
            return
        }
        #expect(refusal.cause == cause, sourceLocation: sourceLocation)
        #expect(pair.client.failure?.alert == alert, sourceLocation: sourceLocation)
        #expect(pair.server.failure == .alertReceived(alert), sourceLocation: sourceLocation)
        #expect(pair.client.connection == nil && pair.server.connection == nil, sourceLocation: sourceLocation)
    }

    @Test("pinned: this certificate and no other")
    func pinned() throws {
        let server = try TestCertificate.selfSigned()
        let pin = Fingerprint(ofCertificate: server.der)
        try expectAccepted(connect(server, .pinned(pin)), .pinned, server)
        try expectRefused(connect(.selfSigned(), .pinned(pin)), .pinMismatch, alert: 46)
    }

    @Test("a data connection: the control connection's certificate, whoever else is trusted")
    func sameAsControl() throws {
        let server = try TestCertificate.selfSigned()
        let control = TrustVerdict.accepted(.firstUse, Fingerprint(ofCertificate: server.der))
        try expectAccepted(connect(server, .same(asControl: control)), .firstUse, server)
        try expectRefused(connect(.selfSigned(), .same(asControl: control)), .notOfControl, alert: 46)
    }

    @Test("an authority's certificate, by key type", arguments: [TestCertificate.KeyType.ecdsaP256, .ed25519, .rsa])
    func authority(key: TestCertificate.KeyType) throws {
        let authority = try TestCertificate.authority()
        let middle = try authority.issue(.init("middle", names: [], isAuthority: true))
        let server = try middle.issue(.init(names: [Self.host], key: key))
        let policy = ServerTrust.Policy.verify(try trustStore(authority), serverName: Self.host, known: nil)
        try expectAccepted(connect(server, policy), .certificateAuthority, server)
    }

    @Test("an authority's certificate that isn't in order")
    func authorityRefused() throws {
        let authority = try TestCertificate.authority()
        let policy = ServerTrust.Policy.verify(try trustStore(authority), serverName: Self.host, known: nil)
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

    @Test("a self-signed certificate: first use, known, changed, where an authority was recorded, expired")
    func selfSigned() throws {
        let server = try TestCertificate.selfSigned(.init(names: ["elsewhere"]))
        let store = try trustStore(.authority())
        func policy(_ known: KnownServers.Identity?) -> ServerTrust.Policy {
            let record = known.map { KnownServers.Record($0, since: "2026-11-20", place: Self.place) }
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

    @Test("the cipher that was asked for, or AES-128-GCM")
    func ciphers() throws {
        let credentials = ServerCredentials(try serverIdentity())
        for (cipher, name) in [
            (nil, "AES-128-GCM"), (.aes128gcm, "AES-128-GCM"), (.aes256gcm, "AES-256-GCM"),
            (.chacha20, "ChaCha20-Poly1305"),
        ] as [(CipherSuite?, String)] {
            let pair = try TLSPair(credentials, cipher: cipher)
            pair.run()
            #expect(pair.client.connection?.cipher == name)
            #expect(pair.server.connection?.cipher == name)
            try expectTransfer(pair, bytes: 40_000)
        }
    }

    @Test("another application protocol: alert 120")
    func anotherProtocol() throws {
        let pair = try TLSPair(ServerCredentials(serverIdentity()), clientProtocols: ["h2"])
        pair.run()
        #expect(pair.client.failure == .alertReceived(120))
        #expect(pair.server.failure?.alert == 120)
    }

    @Test("a handshake that comes byte by byte")
    func byteByByte() throws {
        let pair = try TLSPair(ServerCredentials(serverIdentity()))
        pair.run(pieces: 1)
        try expectTransfer(pair, bytes: 1_000)
    }

    @Test("what comes right behind the handshake isn't lost")
    func early() throws {
        let pair = try TLSPair(ServerCredentials(serverIdentity()))
        let answer = pair.server.exchange(pair.client.exchange([]))
        let finished = pair.client.exchange(answer)
        let hello = try pair.client.protect(Array("hello".utf8))
        // One piece: the end of the handshake, a record and a half.
        _ = pair.server.exchange(finished + hello + hello.prefix(7))
        #expect(try pair.server.read().bytes == Array("hello".utf8))
        _ = pair.server.exchange(Array(hello.dropFirst(7)))
        // The same record again isn't the second one.
        #expect(throws: TLSFailure.failed(alert: 20, reason: "a record that was changed on its way")) {
            try pair.server.read()
        }
    }

    @Test(
        "garbage instead of a handshake is answered with an alert",
        arguments: [
            Array("GET / HTTP/1.1\r\nHost: paris.example.net\r\n\r\n".utf8),
            [0x16] + Array("garbage, and more of it".utf8),
            [0x16, 3, 1, 0, 4, 1, 0, 0, 0], [0x17, 3, 3, 0, 1, 0], [UInt8](repeating: 0, count: 3_000),
            [0x16, 3, 1, 0xff, 0xff] + [UInt8](repeating: 1, count: 70_000),
        ])
    func garbage(bytes: [UInt8]) throws {
        let server = TLSTestEnd(
            try .server(ServerCredentials(serverIdentity()), applicationProtocols: ["qrate/1"]))
        let answer = server.exchange(bytes)
        #expect(server.connection == nil)
        let alert = try #require(server.failure?.alert)
        #expect(answer == [21, 3, answer[2], 0, 2, 2, alert])
    }
}

/// Bytes arrive as they were, both ways.
func expectTransfer(_ pair: TLSPair, bytes: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let payload = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for (sender, receiver) in [(pair.client, pair.server), (pair.server, pair.client)] {
        var received: [UInt8] = []
        for start in stride(from: 0, to: bytes, by: 200_000) {
            _ = receiver.exchange(try sender.protect(Array(payload[start..<min(bytes, start + 200_000)])))
            received += try receiver.read().bytes
        }
        #expect(received == payload, sourceLocation: sourceLocation)
    }
}

/// What a server presents that has this certificate.
func serverIdentity(_ certificate: TestCertificate? = nil) throws -> ServerIdentity {
    guard let certificate else { return try sharedIdentity.get() }
    let directory = try TemporaryDirectory()
    let files = try certificate.writePEM(to: directory.path)
    return try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
}

/// Made once, for all tests that don't care which it is.
private let sharedIdentity = Result { try serverIdentity(.selfSigned()) }

func trustStore(_ authority: TestCertificate) throws -> TrustStore {
    let directory = try TemporaryDirectory()
    return try TrustStore.authorities(inFile: authority.writePEM(to: directory.path).chain)
}
