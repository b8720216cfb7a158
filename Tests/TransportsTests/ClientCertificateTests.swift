import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import QrateTransports
import Testing

@Suite("client certificates on loopback", .timeLimit(.minutes(1))) struct ClientCertificateTests {
    private static let request = TestCertificate.Request("a client", names: [], purpose: .client)

    @Test("a client with a good certificate gets a session, and nobody is refused")
    func good() async throws {
        let authority = try TestCertificate.authority()
        let refusals = try await withListener(demanding: authority) { listener in
            let client = try await connect(to: listener, showing: authority.issue(Self.request))
            var sessions = listener.sessions.makeAsyncIterator()
            let server = try #require(await sessions.next())
            try await client.control.send(Array("hello\n".utf8))
            #expect(try await server.control.receive() == Array("hello\n".utf8))
            await client.close(.done)
        }
        #expect(refusals.isEmpty)
    }

    @Test("without one, the first thing that the client receives is what to do; the server says whom it refused")
    func none() async throws {
        let refusals = try await withListener(demanding: .authority()) { listener in
            let error = try await #require(refusal(of: connect(to: listener, showing: nil)))
            #expect(error.kind == .permission)
            #expect(
                error.message == "the server demands a client certificate: use --client-cert and --client-key")
        }
        #expect(refusals.map(\.failure.message) == ["the client presents no certificate"])
        #expect(refusals.first?.address.hasPrefix("127.0.0.1:") == true)
    }

    @Test("a bad one: the client hears what is wrong with it, in one line")
    func bad() async throws {
        let authority = try TestCertificate.authority()
        var expired = Self.request
        (expired.notBefore, expired.notAfter) = (-20 * 86_400, -10 * 86_400)
        let certificates = [
            try TestCertificate.authority("another").issue(Self.request), try authority.issue(expired),
            try authority.issue(.init(purpose: .server)),
        ]
        let refusals = try await withListener(demanding: authority) { listener in
            var messages: [String] = []
            for certificate in certificates {
                let error = try await #require(refusal(of: connect(to: listener, showing: certificate)))
                #expect(error.kind == .permission)
                messages.append(error.message)
            }
            let refused = "the server refused this client's certificate: it "
            #expect(
                messages == [
                    refused + "is not signed by an authority that the server trusts (TLS alert 48)",
                    refused + "has expired or is not valid yet (TLS alert 45)",
                    refused + "is not made for clients (TLS alert 43)",
                ])
        }
        #expect(refusals.map(\.failure.kind) == [.permission, .permission, .permission])
        for (refusal, certificate) in zip(refusals, certificates) {
            #expect(refusal.failure.message.contains("\(Fingerprint(ofCertificate: certificate.der))"))
        }
    }

    @Test("a certificate that can't be read ends the attempt before anything is sent")
    func unreadable() async throws {
        let transport = QUICTransport(trust: .insecure) { () throws(SecurityError) in
            try ClientIdentity.load(chainFile: "/nowhere/client.pem", keyFile: "/nowhere/client-key.pem")
        }
        let error = await #expect(throws: TransportError.self) {
            try await transport.connect(to: Endpoint(host: "127.0.0.1", port: 9), timeout: .seconds(5))
        }
        #expect(error?.kind == .badInput)
        #expect(error?.message == "cannot read the certificate in /nowhere/client.pem: No such file or directory")
    }

    // MARK: Helpers

    private func connect(
        to listener: QUICListener, showing certificate: TestCertificate?
    ) async throws -> any TransportSession {
        var identity = ClientIdentity()
        if let certificate {
            let directory = try TemporaryDirectory()
            let files = try certificate.writePEM(to: directory.path)
            identity = try ClientIdentity.load(chainFile: files.chain, keyFile: files.key)
        }
        let transport = QUICTransport(trust: .insecure) { [identity] in identity }
        return try await transport.connect(
            to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
    }

    /// What a refused client hears when it waits for the server's first words; nil when it hears words.
    private func refusal(of session: any TransportSession) async -> TransportError? {
        var error: TransportError?
        do throws(TransportError) { _ = try await session.control.receive() } catch let caught { error = caught }
        await session.close(.done)
        return error
    }

    /// - Returns: Whom the listener refused.
    private func withListener(
        demanding authority: TestCertificate, _ body: (QUICListener) async throws -> Void
    ) async throws -> [RefusedClient] {
        let directory = try TemporaryDirectory()
        let credentials = ServerCredentials(
            try .kept(in: directory.path, names: []),
            clientAuthority: try .load(file: authority.writePEM(to: directory.path, name: "authority").chain))
        let listener = try QUICListener(on: try FrontDoor.open(port: 0, .init()), .init()) { credentials }
        let result: Result<Void, any Error>
        do { result = .success(try await body(listener)) } catch { result = .failure(error) }
        await listener.close()
        try result.get()
        return await listener.refusals.reduce(into: []) { $0.append($1) }
    }
}
