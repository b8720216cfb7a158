import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

/// Who carries a test whose TLS session may be resumed.
enum ResumingTransport: CaseIterable {
    case quic, tls

    func client(_ sessions: SessionMemory?, _ trust: ClientTrust = .insecure) -> any Transport {
        switch self {
        case .quic:
            var transport = QUICTransport(trust: trust)
            transport.sessions = sessions
            return transport
        case .tls: return StreamTransport.tls(trust: trust, sessions: sessions)
        }
    }

    func listen(_ server: TLSTestServer) throws -> any TransportListener {
        switch self {
        case .quic:
            return try QUICListener(on: try FrontDoor.open(port: 0, .init()), .init()) { server.credentials }
        case .tls: return try server.listen()
        }
    }
}

@Suite("sessions that are resumed, on loopback", .timeLimit(.minutes(1))) struct ResumedSessionTests {
    private let server: TLSTestServer
    private let sessions = SessionMemory()

    init() throws { server = TLSTestServer(try identity()) }

    /// Connects, carries some payload both ways, waits for the next ticket, closes.
    ///
    /// - Returns: What the client says of the connection.
    private func visit(
        _ kind: ResumingTransport, _ listener: any TransportListener, _ transport: any Transport,
        awaitsTicket: Bool = true
    ) async throws -> PeerIdentity {
        let client = try await transport.connect(
            to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
        try await client.control.send(Array("{hello\n".utf8))
        var arrivals = listener.sessions.makeAsyncIterator()
        let there = try #require(await arrivals.next())
        if kind == .quic { #expect(there.peer.handshake?.isResumed == client.peer.handshake?.isResumed) }
        var parameters = TestParameters(direction: .bidirectional, streams: 2, limit: .bytes(300_001))
        parameters.transport = kind == .quic ? .quic : .tls
        let id = "test-\(UInt64.random(in: 0 ... .max))"
        let (receiver, offer) = try await there.offer(
            DataPlan(role: .server, testID: id, parameters: parameters))
        let plan = DataPlan(role: .client, testID: id, parameters: parameters)
        let sender = try await client.open(plan, offer)
        for plane in [receiver, sender] { plane.start(SendJob(plan: plan)) }
        #expect(await receiver.totalsAtTheEnd()?.total == 300_001)
        #expect(await sender.totalsAtTheEnd()?.total == 300_001)
        if awaitsTicket { await sessions.waitForSession() }
        await client.close(.done)
        await there.close(.done)
        return client.peer
    }

    @Test(
        "the first handshake is a full one, the next ones resume, and tests run on all",
        arguments: ResumingTransport.allCases)
    func resumes(kind: ResumingTransport) async throws {
        let listener = try kind.listen(server)
        let transport = kind.client(sessions)
        for isResumed in [false, true, true] {
            let peer = try await visit(kind, listener, transport)
            #expect(peer.handshake?.isResumed == isResumed)
            #expect(peer.security?.fingerprint == server.credentials.identity.fingerprint.hex)
            #expect(peer.security?.verification == .unverified)
            #expect(sessions.count == 1)
        }
        await listener.close()
    }

    @Test("a client that was given no memory makes each handshake a full one", arguments: ResumingTransport.allCases)
    func withoutMemory(kind: ResumingTransport) async throws {
        let listener = try kind.listen(server)
        for _ in 0..<2 {
            let peer = try await visit(kind, listener, kind.client(nil), awaitsTicket: false)
            #expect(peer.handshake?.isResumed == false)
        }
        await listener.close()
    }

    @Test(
        "a certificate that was replaced while the server ran is seen by whoever comes back",
        arguments: ResumingTransport.allCases)
    func replaced(kind: ResumingTransport) async throws {
        let listener = try kind.listen(server)
        let first = server.credentials.identity.fingerprint
        _ = try await visit(kind, listener, kind.client(sessions))
        server.credentials = ServerCredentials(try identity())
        let peer = try await visit(kind, listener, kind.client(sessions))
        #expect(peer.handshake?.isResumed == false)
        #expect(peer.security?.fingerprint == server.credentials.identity.fingerprint.hex)

        server.credentials = ServerCredentials(try identity())
        let pinned = ClientTrust(.pinned(first), knownServers: KnownServers(file: "/nonexistent"))
        let error = await #expect(throws: TransportError.self) {
            try await visit(kind, listener, kind.client(sessions, pinned))
        }
        #expect(error?.kind == .certificate)
        await listener.close()
    }

    @Test(
        "a server known since its first use is known when the session is resumed", arguments: ResumingTransport.allCases
    )
    func known(kind: ResumingTransport) async throws {
        let directory = try TemporaryDirectory()
        let authorities = try TestCertificate.authority().writePEM(to: directory.path, name: "other").chain
        let file = directory.path + "/known"
        let trust = ClientTrust(.verify(authorities: authorities), knownServers: KnownServers(file: file))
        let listener = try kind.listen(server)
        let transport = kind.client(sessions, trust)
        #expect(try await visit(kind, listener, transport).security?.verification == .firstUse)
        let peer = try await visit(kind, listener, transport)
        #expect(peer.handshake?.isResumed == true)
        guard case .known? = peer.security?.verification else {
            Issue.record("\(String(describing: peer.security))")
            return
        }
        // Another server's fingerprint is on record now: what was agreed with this one is worth nothing.
        let line = "127.0.0.1:\(listener.port) \(Fingerprint(ofCertificate: [1]).pin) 2026-11-20\n"
        try directory.write(line, to: "known")
        let error = await #expect(throws: TransportError.self) { try await visit(kind, listener, transport) }
        #expect(error?.kind == .certificate)
        #expect(sessions.count == 0)
        await listener.close()
    }
}

@Suite("sessions resumed with strangers", .timeLimit(.minutes(1))) struct ForeignResumptionTests {
    @Test("openssl s_client resumes the session of our TLS server")
    func opensslClient() async throws {
        let listener = try TLSTestServer(identity()).listen()
        let directory = try TemporaryDirectory()
        func run(_ option: String) async throws -> String {
            let command =
                "printf 'nonsense\\n' | openssl s_client -connect 127.0.0.1:\(listener.port) -alpn qrate/1 -ign_eof "
                + "\(option) \(directory.path)/session"
            let outcome = try await withProgram("sh", ["-c", command]) { try await $0.outcome() }
            #expect(!outcome.errors.contains("unexpected eof"), "\(outcome.errors)")
            return outcome.output
        }
        #expect(try await run("-sess_out").contains("New, TLSv1.3"))
        let resumed = try await run("-sess_in")
        #expect(resumed.contains("Reused, TLSv1.3"), "\(resumed)")
        await listener.close()
    }

    @Test(
        "our TLS client resumes the session of openssl s_server, and bytes go both ways",
        arguments: CipherSuite.allCases)
    func opensslServer(cipher: CipherSuite) async throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        let arguments = [
            "s_server", "-accept", "0", "-cert", files.chain, "-key", files.key, "-alpn", "qrate/1", "-rev",
        ]
        try await withProgram("openssl", arguments) { program in
            let line = try await program.output.line(with: "ACCEPT ")
            let port = try #require(line.split(separator: ":").last.flatMap { UInt16($0) })
            var settings = TransportSettings()
            settings.cipher = cipher
            let sessions = SessionMemory()
            let transport = StreamTransport.tls(settings: settings, trust: .insecure, sessions: sessions)
            for isResumed in [false, true, true] {
                let session = try await transport.connect(
                    to: Endpoint(host: "127.0.0.1", port: port), timeout: .seconds(10))
                #expect(session.peer.handshake?.isResumed == isResumed)
                try await session.control.send(Array("abcdef\n".utf8))
                var answer: [UInt8] = []
                while answer.count < 7, let bytes = try await session.control.receive() { answer += bytes }
                #expect(answer == Array("fedcba\n".utf8))
                await sessions.waitForSession()
                await session.close(.done)
            }
        }
    }
}
