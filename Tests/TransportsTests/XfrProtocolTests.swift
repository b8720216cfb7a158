import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import QrateTransports
import Testing

@Suite("QUIC under xfr's application protocol", .timeLimit(.minutes(1))) struct XfrProtocolTests {
    @Test(
        "both ends prefer qrate's own protocol and can do xfr's; each knows which it is",
        arguments: [
            (QUICTransport.applicationProtocols, QUICTransport.applicationProtocols, "qrate/1"),
            (["xfr"], QUICTransport.applicationProtocols, "xfr"),
            (QUICTransport.applicationProtocols, ["xfr"], "xfr"),
            (["xfr", "qrate/1"], QUICTransport.applicationProtocols, "qrate/1"),
        ])
    func negotiation(server: [String], client: [String], chosen: String) async throws {
        try await withSessions(serverProtocols: server, clientProtocols: client) { client, server in
            #expect(client.peer.security?.applicationProtocol == chosen)
            #expect(server.peer.security?.applicationProtocol == chosen)
            #expect(server.peer.security?.fingerprint == client.peer.security?.fingerprint)
        }
    }

    @Test("every direction works", arguments: Direction.allCases)
    func directions(direction: Direction) async throws {
        try await withSessions(serverProtocols: ["xfr"]) { client, server in
            let parameters = TestParameters(direction: direction, streams: 3, limit: .bytes(2_000_003))
            let totals = try await runQUICTest(parameters, client, server)
            for counts in [totals.upload, totals.download].compactMap(\.self) { #expect(counts.total == 2_000_003) }
        }
    }

    @Test("its servers end the control stream before they close with code 0")
    func ending() async throws {
        try await withSessions(serverProtocols: ["xfr"]) { client, server in
            try await client.control.send([0])
            #expect(try await server.control.receive() == [0])
            try await server.control.send([1, 2, 3])
            async let closed: Void = server.close(.refused)
            #expect(try await client.control.receive() == [1, 2, 3])
            #expect(try await client.control.receive() == nil, "the end of the stream, and no failure")
            await closed
        }
    }

    @Test("more streams than its servers take in one direction are refused; both ways they are not")
    func streamLimit() async throws {
        try await withSessions(serverProtocols: ["xfr"]) { client, server in
            let parameters = TestParameters(direction: .download, streams: 101, limit: .bytes(1_000_000))
            let error = await #expect(throws: TransportError.self) {
                try await client.open(DataPlan(role: .client, parameters: parameters), DataOffer())
            }
            #expect(error?.kind == .usage)
            #expect(error?.message.contains("100 QUIC streams in one direction") == true)
            let both = TestParameters(direction: .bidirectional, streams: 101, limit: .bytes(1_000_000))
            let totals = try await runQUICTest(both, client, server)
            #expect(totals.upload?.total == 1_000_000)
        }
    }

    // MARK: Certificates

    @Test("an xfr is answered with the certificate that it can take, everybody else with the operator's")
    func rsaKey() async throws {
        let directory = try TemporaryDirectory()
        var request = TestCertificate.Request()
        request.key = .rsa
        let files = try TestCertificate.selfSigned(request).writePEM(to: directory.path)
        let operators = try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
        let own = try ServerIdentity.kept(in: directory.path + "/state", names: ["xfr"])
        try #require(!operators.keyKind.isKnownToXfr && own.keyKind.isKnownToXfr)
        let listener = try QUICListener(on: try FrontDoor.open(port: 0, .init()), .init()) {
            ServerCredentials(operators, alternatives: ["xfr": own])
        }
        var fingerprints: [String?] = []
        for protocols in [["xfr"], ["qrate/1"], ["qrate/1", "xfr"]] {
            var transport = QUICTransport(trust: .insecure)
            transport.offeredProtocols = protocols
            let session = try await transport.connect(
                to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
            fingerprints.append(session.peer.security?.fingerprint)
            await session.close(.done)
        }
        await listener.close()
        #expect(fingerprints == [own.fingerprint.hex, operators.fingerprint.hex, operators.fingerprint.hex])
    }

    @Test(
        "a server that made itself a new certificate is refused like any other; the line names --insecure and says why")
    func changedCertificate() async throws {
        let directory = try TemporaryDirectory()
        let known = KnownServers(file: directory.path + "/known_servers")
        let transport = QUICTransport(trust: ClientTrust(.verify(authorities: nil), knownServers: known))
        var options = QUICListener.Options()
        options.applicationProtocols = ["xfr"]
        var port: UInt16 = 0
        for start in 0...1 {
            let identity = try ServerIdentity.kept(in: directory.path + "/start\(start)", names: ["xfr"])
            let listener = try QUICListener(on: try FrontDoor.open(port: port, .init()), options) {
                ServerCredentials(identity)
            }
            port = listener.port
            do throws(TransportError) {
                let session = try await transport.connect(
                    to: Endpoint(host: "127.0.0.1", port: port), timeout: .seconds(10))
                #expect(start == 0)
                #expect(session.peer.security?.verification == .firstUse)
                await session.close(.done)
            } catch {
                #expect(start == 1)
                #expect(error.kind == .certificate)
                #expect(error.message.contains("xfr makes a new one at every start and needs --insecure"))
            }
            await listener.close()
        }
    }
}
