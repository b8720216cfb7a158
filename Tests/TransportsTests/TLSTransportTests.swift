import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Synchronization
import Testing

@testable import QrateTransports

@Suite("the TLS transport on loopback", .timeLimit(.minutes(1))) struct TLSTransportTests {
    @Test("control bytes go both ways, and a close in order is an end, not an error")
    func control() async throws {
        try await withTLSSessions { client, server in
            #expect(try await server.control.receive() == Array("{hello\n".utf8))
            try await server.control.send(Array("hello yourself\n".utf8))
            #expect(try await client.control.receive() == Array("hello yourself\n".utf8))
            await server.close(.done)
            #expect(try await client.control.receive() == nil)
        }
    }

    @Test("the client knows what protects it, and how long the handshake took")
    func reports() async throws {
        let server = TLSTestServer(try identity())
        try await withTLSSessions(server) { client, there in
            let security = try #require(client.peer.security)
            #expect(security.protocolVersion == "TLS 1.3")
            #expect(security.cipher == "AES-128-GCM")
            #expect(security.applicationProtocol == "qrate/1")
            #expect(security.verification == .unverified)
            #expect(security.fingerprint == server.credentials.identity.fingerprint.hex)
            #expect((client.peer.handshake?.duration ?? .zero) > .zero)
            #expect(there.peer.security == nil)
            #expect(there.peer.transports == [.tls])
        }
    }

    @Test("the cipher that was asked for", arguments: CipherSuite.allCases)
    func cipher(_ cipher: CipherSuite) async throws {
        var settings = TransportSettings()
        settings.cipher = cipher
        try await withTLSSessions(settings: settings) { client, _ in
            let names: [CipherSuite: String] = [
                .aes128gcm: "AES-128-GCM", .aes256gcm: "AES-256-GCM", .chacha20: "ChaCha20-Poly1305",
            ]
            #expect(client.peer.security?.cipher == names[cipher])
            let isSlow = cipher == .chacha20 && ProcessorFeatures.hasAES
            #expect(client.peer.warnings.map(\.code) == (isSlow ? ["slow_cipher"] : []))
        }
    }

    @Test(
        "a byte budget arrives whole, in each direction",
        arguments: [Direction.upload, .download, .bidirectional], [1, 4])
    func byteBudget(direction: Direction, streams: Int) async throws {
        try await withTLSSessions { client, server in
            var parameters = TestParameters(
                transport: .tls, direction: direction, streams: streams, limit: .bytes(20_000_001))
            parameters.settings.payloadUnit = 100_000
            let (there, here) = try await tlsPlanes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for (sender, receiver) in [(here, there), (there, here)] {
                guard direction == .bidirectional || (direction == .upload) == (sender === here) else { continue }
                let totals = try #require(await receiver.totalsAtTheEnd())
                #expect(totals.total == 20_000_001)
                #expect(totals.isComplete)
                #expect(totals.drained == 0)
                let sample = await sender.sample()
                #expect(sample.sent == totals.measured)
                guard case .tcp(let metrics)? = sample.path?.metrics else {
                    Issue.record("no TCP metrics")
                    continue
                }
                #expect((metrics.smoothedRTT ?? .zero) > .zero)
            }
        }
    }

    @Test("a test that ends by the clock: all that was sent arrives, and both ends count the same", arguments: [1, 4])
    func timed(streams: Int) async throws {
        try await withTLSSessions { client, server in
            let parameters = TestParameters(
                transport: .tls, direction: .bidirectional, streams: streams, limit: .duration(.milliseconds(300)))
            let (there, here) = try await tlsPlanes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for (sender, receiver) in [(here, there), (there, here)] {
                let totals = try #require(await receiver.totalsAtTheEnd())
                #expect(totals.isComplete)
                let sent = try #require(await sender.sample().sent)
                #expect(sent.reduce(.zero, +) == totals.total + totals.drained)
                #expect((totals.total > .zero) == (sent.reduce(.zero, +) > .zero), "\(totals)")
            }
        }
    }

    @Test("a data connection to a server with another certificate is refused, whatever the control connection believed")
    func anotherCertificate() async throws {
        let server = TLSTestServer(try identity())
        try await withTLSSessions(server) { client, there in
            let parameters = TestParameters(transport: .tls, limit: .bytes(1_000))
            let (_, offer) = try await there.offer(
                DataPlan(role: .server, testID: "a test", parameters: parameters))
            server.credentials = ServerCredentials(try identity())
            let error = await #expect(throws: TransportError.self) {
                try await client.open(DataPlan(role: .client, testID: "a test", parameters: parameters), offer)
            }
            #expect(error?.kind == .certificate)
            #expect(error?.message.contains("on a data connection than on the control connection") == true)
        }
    }

    @Test("a first contact is remembered, the next one is known, and a changed certificate is refused")
    func firstUse() async throws {
        let directory = try TemporaryDirectory()
        let server = TLSTestServer(try identity())
        let authorities = try TestCertificate.authority().writePEM(to: directory.path, name: "other").chain
        let trust = ClientTrust(
            .verify(authorities: authorities), knownServers: KnownServers(file: directory.path + "/known"))
        let listener = try server.listen()
        let endpoint = Endpoint(host: "127.0.0.1", port: listener.port)
        let transport = StreamTransport.tls(trust: trust)
        let first = try await transport.connect(to: endpoint, timeout: .seconds(10))
        #expect(first.peer.security?.verification == .firstUse)
        await first.close(.done)
        let second = try await transport.connect(to: endpoint, timeout: .seconds(10))
        guard case .known? = second.peer.security?.verification else {
            Issue.record("\(String(describing: second.peer.security))")
            return
        }
        await second.close(.done)
        server.credentials = ServerCredentials(try identity())
        let error = await #expect(throws: TransportError.self) {
            try await transport.connect(to: endpoint, timeout: .seconds(10))
        }
        #expect(error?.kind == .certificate)
        #expect(error?.message.contains("presents another certificate than on") == true)
        await listener.close()
    }

    @Test("what makes no sense for TLS is refused, not ignored")
    func refusedOptions() async throws {
        for flag in [\TransportSettings.usesZeroCopy, \.skipsReceiveCopy] {
            var settings = TransportSettings()
            settings[keyPath: flag] = true
            let transport = StreamTransport.tls(settings: settings, trust: try insecure())
            let error = await #expect(throws: TransportError.self) {
                try await transport.connect(to: Endpoint(host: "127.0.0.1", port: 9), timeout: .seconds(5))
            }
            #expect(error?.kind == .usage)
        }
    }

    @Test("a server without TLS, and one that says nothing")
    func noServer() async throws {
        let plain = try StreamListener(on: try FrontDoor.open(port: 0, .init()))
        let transport = StreamTransport.tls(trust: try insecure())
        let error = await #expect(throws: TransportError.self) {
            try await transport.connect(to: Endpoint(host: "127.0.0.1", port: plain.port), timeout: .seconds(10))
        }
        #expect(error?.kind == .protocolError)
        #expect(error?.message.contains("does it serve TLS tests?") == true)
        await plain.close()

        let silent = try StreamListenerSocket.everywhere(port: 0)
        let timeout = await #expect(throws: TransportError.self) {
            try await transport.connect(
                to: Endpoint(host: "127.0.0.1", port: silent.port), timeout: .seconds(2))
        }
        #expect(timeout?.kind == .unreachable)
        #expect(timeout?.message.contains("did not finish the handshake within") == true)
    }
}

@Suite("client certificates over TLS on loopback", .timeLimit(.minutes(1))) struct TLSClientAuthenticationTests {
    private static let request = TestCertificate.Request("a client", names: [], purpose: .client)
    private let authority: TestCertificate
    private let server: TLSTestServer

    init() throws {
        authority = try .authority()
        let directory = try TemporaryDirectory()
        server = TLSTestServer(try identity())
        server.credentials.clientAuthority = try .load(
            file: authority.writePEM(to: directory.path, name: "authority").chain)
    }

    private func connect(
        to listener: StreamListener, showing certificate: TestCertificate?
    ) async throws -> any TransportSession {
        var identity = ClientIdentity()
        if let certificate {
            let directory = try TemporaryDirectory()
            let files = try certificate.writePEM(to: directory.path)
            identity = try .load(chainFile: files.chain, keyFile: files.key)
        }
        let transport = StreamTransport.tls(trust: try insecure()) { [identity] in identity }
        let session = try await transport.connect(
            to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
        try? await session.control.send(Array("{hello\n".utf8))
        return session
    }

    @Test("a good one carries a whole test")
    func good() async throws {
        let listener = try server.listen()
        let client = try await connect(to: listener, showing: authority.issue(Self.request))
        var sessions = listener.sessions.makeAsyncIterator()
        let there = try #require(await sessions.next())
        let parameters = TestParameters(transport: .tls, streams: 3, limit: .bytes(100_000))
        let (receiver, sender) = try await tlsPlanes(parameters, client, there)
        sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
        #expect(await receiver.totalsAtTheEnd()?.total == 100_000)
        await client.close(.done)
        await there.close(.done)
        await listener.close()
        #expect(await listener.refusals.reduce(into: []) { $0.append($1) }.isEmpty)
    }

    @Test("none, or a bad one: the client hears what to do, in QUIC's words, and the server says whom it refused")
    func refused() async throws {
        let listener = try server.listen()
        var expired = Self.request
        (expired.notBefore, expired.notAfter) = (-20 * 86_400, -10 * 86_400)
        let refused = "the server refused this client's certificate: it "
        let cases: [(TestCertificate?, String)] = [
            (nil, "the server demands a client certificate: use --client-cert and --client-key"),
            (
                try TestCertificate.authority("another").issue(Self.request),
                refused + "is not signed by an authority that the server trusts (TLS alert 48)"
            ),
            (try authority.issue(expired), refused + "has expired or is not valid yet (TLS alert 45)"),
            (try authority.issue(.init(purpose: .server)), refused + "is not made for clients (TLS alert 43)"),
        ]
        for (certificate, message) in cases {
            let session = try await connect(to: listener, showing: certificate)
            let error = await #expect(throws: TransportError.self) { try await session.control.receive() }
            #expect(error?.kind == .permission)
            #expect(error?.message == message)
            await session.close(.done)
        }
        await listener.close()
        let refusals = await listener.refusals.reduce(into: []) { $0.append($1) }
        #expect(refusals.map(\.failure.kind) == cases.map { _ in .permission })
        #expect(refusals.first?.failure.message == "the client presents no certificate")
        #expect(refusals.allSatisfy { $0.address.hasPrefix("127.0.0.1:") })
    }
}

// MARK: Helpers

/// A listener's certificates, which a test may change.
final class TLSTestServer: Sendable {
    private let slot: Mutex<ServerCredentials>

    init(_ identity: ServerIdentity) { slot = Mutex(ServerCredentials(identity)) }

    var credentials: ServerCredentials {
        get { slot.withLock { $0 } }
        set { slot.withLock { $0 = newValue } }
    }

    func listen() throws -> StreamListener {
        try StreamListener(on: try FrontDoor.open(port: 0, .init())) { [self] in credentials }
    }
}

/// A new self-signed certificate.
func identity() throws -> ServerIdentity {
    let directory = try TemporaryDirectory()
    let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
    return try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
}

func insecure() throws -> ClientTrust {
    ClientTrust(.insecure, knownServers: KnownServers(file: "/nowhere/known_servers"))
}

func tlsPlanes(
    _ parameters: TestParameters, _ client: any TransportSession, _ server: any TransportSession
) async throws -> (there: TCPDataPlane, here: TCPDataPlane) {
    let id = "test-\(UInt64.random(in: 0 ... .max))"
    let (there, offer) = try await server.offer(
        DataPlan(role: .server, testID: id, parameters: parameters))
    let here = try await client.open(DataPlan(role: .client, testID: id, parameters: parameters), offer)
    return (try #require(there as? TCPDataPlane), try #require(here as? TCPDataPlane))
}

/// A client connected to a server, to which it has sent `{hello`; both are closed afterwards.
func withTLSSessions(
    _ server: TLSTestServer? = nil, settings: TransportSettings = TransportSettings(),
    _ body: (any TransportSession, any TransportSession) async throws -> Void
) async throws {
    let listener = try (try server ?? TLSTestServer(identity())).listen()
    let client = try await StreamTransport.tls(settings: settings, trust: insecure()).connect(
        to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
    try await client.control.send(Array("{hello\n".utf8))
    var sessions = listener.sessions.makeAsyncIterator()
    let there = try #require(await sessions.next())
    let result: Result<Void, any Error>
    do { result = .success(try await body(client, there)) } catch { result = .failure(error) }
    await client.close(.done)
    await there.close(.done)
    await listener.close()
    try result.get()
}
