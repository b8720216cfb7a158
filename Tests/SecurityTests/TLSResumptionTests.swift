import QrateMeasurement
import QrateTestSupport
import Testing

@testable import QrateSecurity

@Suite("TLS over a stream: sessions that are resumed") struct TLSResumptionTests {
    private static let host = "paris.example.net"
    private let certificate: TestCertificate
    private let credentials: ServerCredentials
    private let clock = HandClock()
    private let sessions: SessionMemory

    init() throws {
        certificate = try .selfSigned(.init(names: [Self.host]))
        credentials = ServerCredentials(try serverIdentity(certificate))
        sessions = SessionMemory { [clock] in clock.now }
    }

    private var own: Fingerprint { Fingerprint(ofCertificate: certificate.der) }

    /// A client of this server that has read all that it said. A client that was refused has no connection.
    private func connect(
        to server: ServerCredentials? = nil, _ policy: ServerTrust.Policy = .insecure, cipher: CipherSuite? = nil,
        identity: ClientIdentity = ClientIdentity()
    ) throws -> TLSPair {
        let pair = try TLSPair(
            server ?? credentials, identity: identity, trust: ServerTrust(policy, endpoint: Self.host + ":5201"),
            serverName: Self.host, cipher: cipher, sessions: sessions)
        pair.run()
        // A server that refuses the client says so when the client's handshake is over.
        #expect((try? pair.client.read().bytes) ?? [] == [])
        return pair
    }

    private func expect(
        resumed: Bool, _ pair: TLSPair, _ verification: CertificateVerification = .unverified,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let client = try #require(pair.client.connection, sourceLocation: sourceLocation)
        let server = try #require(pair.server.connection, sourceLocation: sourceLocation)
        #expect(client.isResumed == resumed, sourceLocation: sourceLocation)
        #expect(server.isResumed == resumed, sourceLocation: sourceLocation)
        #expect(client.verdict == .accepted(verification, own), sourceLocation: sourceLocation)
        try expectTransfer(pair, bytes: 100_000, sourceLocation: sourceLocation)
    }

    @Test(
        "the first connection is made anew, those after it resume, and bytes arrive on each",
        arguments: [nil, .aes128gcm, .aes256gcm, .chacha20] as [CipherSuite?])
    func resumes(cipher: CipherSuite?) throws {
        try expect(resumed: false, connect(cipher: cipher))
        for _ in 0..<3 {
            #expect(sessions.count == 1)
            let pair = try connect(cipher: cipher)
            try expect(resumed: true, pair)
            #expect(pair.client.connection?.cipher == pair.server.connection?.cipher)
        }
    }

    @Test("a ticket is used once, whatever becomes of the connection")
    func once() throws {
        try expect(resumed: false, connect())
        func cut() throws -> TLSPair {
            try TLSPair(
                credentials, trust: ServerTrust(.insecure, endpoint: Self.host + ":5201"), serverName: Self.host,
                sessions: sessions)
        }
        _ = try cut()
        #expect(sessions.count == 0)
        try expect(resumed: false, connect())
        #expect(sessions.count == 1)
    }

    @Test("a session is offered for as long as its server said: six hours")
    func expired() throws {
        try expect(resumed: false, connect())
        clock.advance(by: .seconds(6 * 3_600 - 1))
        #expect(sessions.count == 1)
        clock.advance(by: .seconds(1))
        try expect(resumed: false, connect())
        #expect(sessions.count == 1)
    }

    @Test("a handshake that comes byte by byte can be resumed, and can resume")
    func byteByByte() throws {
        for isSecond in [false, true] {
            let pair = try TLSPair(
                credentials, trust: ServerTrust(.insecure, endpoint: Self.host + ":5201"), serverName: Self.host,
                sessions: sessions)
            pair.run(pieces: 1)
            #expect(try pair.client.read().bytes == [])
            try expect(resumed: isSecond, pair)
        }
    }

    @Test("who can't resume is sent no ticket, and doesn't ask for one")
    func withoutMemory() throws {
        let pair = try TLSPair(credentials)
        let hello = pair.client.exchange([])
        #expect(!hello.contains(modes: [1]) && !hello.contains(modes: [1, 0]))
        let finished = pair.client.exchange(pair.server.exchange(hello))
        #expect(pair.server.exchange(finished).isEmpty)
        try expectTransfer(pair, bytes: 1_000)

        // The other one takes no session without new keys (psk_dhe_ke alone).
        let other = try TLSPair(credentials, sessions: sessions)
        let asking = other.client.exchange([])
        #expect(asking.contains(modes: [1]) && !asking.contains(modes: [1, 0]))
        #expect(!other.server.exchange(other.client.exchange(other.server.exchange(asking))).isEmpty)
    }

    // MARK: Trust

    @Test("a server that was restarted or reloaded doesn't know the ticket, and its certificate is judged")
    func otherKey() throws {
        try expect(resumed: false, connect())
        try expect(resumed: false, connect(to: ServerCredentials(credentials.identity)))
        let replaced = try TestCertificate.selfSigned(.init(names: [Self.host]))
        let server = ServerCredentials(try serverIdentity(replaced))
        let insecure = try connect(to: server)
        #expect(insecure.client.connection?.isResumed == false)
        #expect(
            insecure.client.connection?.verdict
                == .accepted(.unverified, Fingerprint(ofCertificate: replaced.der)))

        #expect(sessions.count == 1)
        try expect(resumed: false, connect(.pinned(own)), .pinned)
        let refused = try connect(to: server, .pinned(own))
        #expect(refused.client.connection == nil)
        #expect(refused.client.failure?.alert == 46)
    }

    @Test("the certificate that a session began with is judged by what is believed now")
    func judgedAnew() throws {
        func record(_ identity: KnownServers.Identity) -> KnownServers.Record {
            KnownServers.Record(identity, since: "2026-11-20", place: .init(file: "/state/known_servers", line: 7))
        }
        let store = try trustStore(.authority())
        func verify(_ known: KnownServers.Identity?) -> ServerTrust.Policy {
            .verify(store, serverName: Self.host, known: known.map(record))
        }
        try expect(resumed: false, connect(verify(nil)), .firstUse)
        try expect(resumed: true, connect(verify(.fingerprint(own))), .known(since: "2026-11-20"))
        try expect(resumed: true, connect(.pinned(own)), .pinned)
        try expect(resumed: true, connect(.insecure), .unverified)

        // Now somebody else is to be believed: the session isn't even offered, and the certificate is refused.
        let another = Fingerprint(ofCertificate: [1])
        for (policy, cause) in [
            (.pinned(another), .pinMismatch), (verify(.fingerprint(another)), .changedFingerprint),
            (verify(.authority), .selfSignedWhereAuthorityRecorded),
        ] as [(ServerTrust.Policy, TrustRefusal.Cause)] {
            if sessions.count == 0 { try expect(resumed: false, connect()) }
            let pair = try connect(policy)
            #expect(sessions.count == 0)
            #expect(pair.client.connection == nil)
            guard case .refusedServer(let refusal)? = pair.client.failure else {
                Issue.record("\(String(describing: pair.client.failure))")
                continue
            }
            #expect(refusal.cause == cause)
        }
    }

    @Test("an authority that is no longer believed ends the session, too")
    func otherAuthority() throws {
        let authority = try TestCertificate.authority()
        let server = ServerCredentials(try serverIdentity(authority.issue(.init(names: [Self.host]))))
        let policy = ServerTrust.Policy.verify(try trustStore(authority), serverName: Self.host, known: nil)
        #expect(try connect(to: server, policy).client.connection?.isResumed == false)
        let second = try connect(to: server, policy).client.connection
        #expect(second?.isResumed == true)
        guard case .accepted(.certificateAuthority, _)? = second?.verdict else {
            Issue.record("\(String(describing: second?.verdict))")
            return
        }
        let other = ServerTrust.Policy.verify(
            try trustStore(.authority("another")), serverName: Self.host, known: nil)
        let pair = try connect(to: server, other)
        #expect(pair.client.failure?.alert == 48)
    }

    @Test("a server that demands certificates of its clients gives no tickets and takes none")
    func clientAuthority() throws {
        let authority = try TestCertificate.authority()
        let directory = try TemporaryDirectory()
        let files = try authority.issue(.init("a client", names: [], purpose: .client)).writePEM(to: directory.path)
        let client = try ClientIdentity.load(chainFile: files.chain, keyFile: files.key)
        let list = try authority.writePEM(to: directory.path, name: "authority").chain
        // The same key, and a session from before the demand.
        try expect(resumed: false, connect(identity: client))
        var strict = credentials
        strict.clientAuthority = try ClientAuthority.load(file: list)
        for _ in 0..<2 {
            try expect(resumed: false, connect(to: strict, identity: client))
            #expect(sessions.count == 0)
        }
        // And without a certificate nobody comes in, ticket or not.
        try expect(resumed: false, connect())
        let pair = try connect(to: strict)
        #expect(pair.server.connection == nil)
        #expect(pair.server.failure?.alert == 116)
    }

    // MARK: What isn't a ticket

    @Test("a ticket that was damaged on its way resumes nothing")
    func damaged() throws {
        try expect(resumed: false, connect())
        let hello = try TLSPair(
            credentials, trust: ServerTrust(.insecure, endpoint: Self.host + ":5201"), serverName: Self.host,
            sessions: sessions
        ).client.exchange([])
        #expect(sessions.count == 0)
        // The ticket is the last thing in it, with the proof that the client knows its secret.
        for position in hello.indices.suffix(320) {
            var damaged = hello
            damaged[position] ^= 0x55
            let server = TLSTestEnd(try .server(credentials, applicationProtocols: ["qrate/1"]))
            let answer = server.exchange(damaged)
            #expect(!answer.isEmpty)
            #expect(server.connection == nil)
        }
    }

    @Test("a server's tickets are bounded: eight of a connection, 16 KiB each")
    func bounded() throws {
        let pair = try connect()
        let count = sessions.count
        func send(_ body: [UInt8]) throws {
            let size = [UInt8(body.count >> 16), UInt8(body.count >> 8 & 0xff), UInt8(body.count & 0xff)]
            try pair.server.connection?.writer.put([4] + size + body, 22)
            _ = pair.client.exchange(pair.server.takePending())
            #expect(try pair.client.read().bytes == [])
        }
        func ticket(_ size: Int, lifetime: UInt8 = 60) -> [UInt8] {
            [0, 0, 0, lifetime, 1, 2, 3, 4, 1, 9, UInt8(size >> 8), UInt8(size & 0xff)]
                + [UInt8](repeating: 7, count: size) + [0, 0]
        }
        try send(ticket(100, lifetime: 0))
        #expect(sessions.count == count)
        for _ in 0..<20 { try send(ticket(100)) }
        #expect(sessions.count == 8 - 1)
        // The server makes nothing of these, and so the handshake is a full one.
        try expect(resumed: false, connect())
        // Whatever comes then isn't even read.
        try send([1, 2, 3])
        try expectTransfer(pair, bytes: 50_000)
        try pair.server.connection?.writer.put([4, 0, 0x40, 1], 22)
        _ = pair.client.exchange(pair.server.takePending())
        let failure = try #require(throws: TLSFailure.self) { try pair.client.read() }
        #expect(failure.alert == 50)
    }

    @Test("a ticket that makes no sense ends the connection with alert 50")
    func senseless() throws {
        for body in [[], [0], [0, 0, 0, 60, 1, 2, 3, 4, 1], [0, 0, 0, 60, 1, 2, 3, 4, 0, 0xff, 0xff, 1]] as [[UInt8]] {
            let pair = try connect()
            try pair.server.connection?.writer.put([4, 0, 0, UInt8(body.count)] + body, 22)
            _ = pair.client.exchange(pair.server.takePending())
            let failure = try #require(throws: TLSFailure.self) { try pair.client.read() }
            #expect(failure.alert == 50)
        }
    }

    @Test("a client that sends a ticket is refused")
    func wrongWay() throws {
        let pair = try connect()
        try pair.client.connection?.writer.put([4, 0, 0, 1, 0], 22)
        _ = pair.server.exchange(pair.client.takePending())
        let failure = try #require(throws: TLSFailure.self) { try pair.server.read() }
        #expect(failure.alert == 10)
    }
}

extension [UInt8] {
    /// Whether a ClientHello offers just these ways to resume (psk_key_exchange_modes, RFC 8446 §4.2.9).
    fileprivate func contains(modes: [UInt8]) -> Bool {
        let wanted = [0, 45, 0, UInt8(modes.count + 1), UInt8(modes.count)] + modes
        return indices.contains { self[$0...].starts(with: wanted) }
    }
}
