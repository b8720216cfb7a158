import QrateKit
import QrateTestSupport
import Synchronization
import Testing

@Suite("the library: client and server in one process", .timeLimit(.minutes(1))) struct ClientServerTests {
    @Test("a byte budget is reported whole by both ends", arguments: [Direction.upload, .download], [1, 4])
    func byteBudget(direction: Direction, streams: Int) async throws {
        try await withServer { server, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(
                direction: direction, streams: streams, limit: .bytes(2_000_003))
            let report = try await TestClient(configuration).run()
            #expect(report.failure == nil)
            let summary = try #require(report.summary(direction))
            #expect(summary.bytesReceived == 2_000_003)
            #expect(summary.bytesSent == 2_000_003)
            #expect(summary.streams.reduce(.zero, +) == 2_000_003)
            #expect(summary.streams.count == streams)
            #expect(summary.isComplete == true)
            #expect(
                report.path(direction)?.observedBy == (direction == .upload ? .client : .server), "the sender's view")
            #expect(report.security?.verification == .firstUse)
            #expect(report.security.map { "sha256:" + $0.fingerprint } == server.fingerprint)
        }
    }

    @Test("rows arrive while the test runs, join without gaps, and add up to the summary")
    func rows() async throws {
        try await withServer { _, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(
                limit: .duration(.milliseconds(400)), warmUp: .milliseconds(200), interval: .milliseconds(100))
            let seen = Mutex<[IntervalReport]>([])
            let report = try await TestClient(configuration).run { event in
                if case .interval(let row) = event { seen.withLock { $0.append(row) } }
            }
            let rows = seen.withLock { $0 }
            #expect(rows.map(\.start) == [0, 100, 200, 300, 400, 500].map { .milliseconds($0) })
            #expect(rows.map(\.isWarmUp) == [true, true, false, false, false, false])
            #expect(report.intervals == rows)
            let measured = rows.filter { !$0.isWarmUp }.map(\.bytesReceived).reduce(.zero, +)
            #expect(report.upload?.bytesReceived == measured)
            #expect(report.upload?.duration == .milliseconds(400))
        }
    }

    @Test("a cancelled test still reports what was measured", arguments: [Direction.upload, .download])
    func cancelled(direction: Direction) async throws {
        try await withServer { _, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(
                direction: direction, limit: .duration(.seconds(600)), interval: .milliseconds(100))
            let client = try TestClient(configuration)
            let report = await client.run { event in
                if case .interval = event { client.cancel() }
            }
            #expect(report.failure?.kind == .interrupted)
            #expect((report.summary(direction)?.bytesReceived ?? .zero) > .zero)
        }
    }

    @Test("many tests run side by side, and none gets another's bytes")
    func sideBySide() async throws {
        try await withServer { _, configuration in
            try await withThrowingTaskGroup { group in
                for index in 1...8 {
                    group.addTask {
                        var mine = configuration
                        mine.trust = .insecure
                        mine.parameters = TestParameters(
                            direction: index % 2 == 0 ? .upload : .download,
                            limit: .bytes(ByteCount(UInt64(index) * 100_001)))
                        return (index, try await TestClient(mine).run())
                    }
                }
                for try await (index, report) in group {
                    let summary = report.upload ?? report.download
                    #expect(summary?.bytesReceived == ByteCount(UInt64(index) * 100_001))
                }
            }
        }
    }

    @Test("a server that stops ends its tests in order and frees its port")
    func stops() async throws {
        try await withServer { server, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(limit: .duration(.seconds(600)), interval: .milliseconds(100))
            let report = try await TestClient(configuration).run { event in
                if case .interval = event { server.stop() }
            }
            #expect(report.failure?.kind == .failed)
            #expect((report.upload?.bytesReceived ?? .zero) > .zero)
        }
    }

    @Test(
        "a server that demands certificates tests with those who show one, and goes by its file when told to reload",
        arguments: [TransportKind.quic, .tls])
    func clientCertificates(transport: TransportKind) async throws {
        let directory = try TemporaryDirectory()
        let authority = try TestCertificate.authority()
        let known = try authority.writePEM(to: directory.path, name: "authority")
        let files = try authority.issue(.init("a client", names: [], purpose: .client))
            .writePEM(to: directory.path, name: "client")
        let refused = Mutex<[String]>([])
        try await withServer {
            $0.clientAuthorities = known.chain
        } observe: { event in
            if case .refused(_, let failure) = event { refused.withLock { $0.append(failure.message) } }
        } _: { server, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(transport: transport, limit: .bytes(1_000))
            let without = try await TestClient(configuration).run()
            #expect(without.failure?.kind == .permission)
            #expect(without.failure?.message.contains("--client-cert") == true)

            configuration.certificate = CertificateFiles(chain: files.chain, key: files.key)
            #expect(try await TestClient(configuration).run().failure == nil)

            _ = try TestCertificate.authority("another").writePEM(to: directory.path, name: "authority")
            #expect(try await TestClient(configuration).run().failure == nil, "not before it is told")
            try await server.reloadCertificate()
            #expect(try await TestClient(configuration).run().failure?.kind == .permission)
        }
        let messages = refused.withLock { $0 }
        #expect(messages.count == 2)
        #expect(messages.first == "the client presents no certificate")
        #expect(messages.last?.hasSuffix("is not signed by any authority of \(known.chain)") == true)
    }

    @Test(
        "a certificate recorded over one transport is known over the other, and a replaced one is refused by both",
        arguments: [(TransportKind.quic, TransportKind.tls), (.tls, .quic)])
    func sharedTrust(first: TransportKind, second: TransportKind) async throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        try await withServer {
            $0.certificate = CertificateFiles(chain: files.chain, key: files.key)
        } _: { server, configuration in
            func run(_ transport: TransportKind) async throws -> TestReport {
                var configuration = configuration
                configuration.parameters = TestParameters(
                    transport: transport, direction: .download, streams: 2, limit: .bytes(100_003))
                return try await TestClient(configuration).run()
            }
            let one = try await run(first)
            #expect(one.failure == nil)
            #expect(one.security?.verification == .firstUse)
            let two = try await run(second)
            #expect(two.failure == nil)
            #expect(two.download?.bytesReceived == 100_003)
            #expect(two.download?.bytesSent == 100_003)
            #expect(two.security.map { "sha256:" + $0.fingerprint } == server.fingerprint)
            guard case .known? = two.security?.verification else {
                Issue.record("\(String(describing: two.security))")
                return
            }
            _ = try TestCertificate.selfSigned().writePEM(to: directory.path)
            try await server.reloadCertificate()
            for transport in [first, second] {
                let refused = try await run(transport).failure
                #expect(refused?.kind == .certificate)
                #expect(refused?.message.contains("presents another certificate") == true)
            }
        }
    }

    @Test("a client's certificate that isn't there, or isn't its key's, is bad input", arguments: [true, false])
    func badClientCertificate(isThere: Bool) async throws {
        let directory = try TemporaryDirectory()
        let one = try TestCertificate.selfSigned().writePEM(to: directory.path, name: "one")
        let two = try TestCertificate.selfSigned().writePEM(to: directory.path, name: "two")
        var configuration = TestConfiguration(host: "127.0.0.1", stateDirectory: directory.path)
        configuration.certificate = CertificateFiles(chain: isThere ? one.chain : "/nowhere.pem", key: two.key)
        #expect(try await TestClient(configuration).run().failure?.kind == .badInput)
    }

    @Test(
        "what can't be run is refused before anything is sent",
        arguments: [
            TestConfiguration(host: ""), TestConfiguration(host: "localhost", port: 0),
            TestConfiguration(host: "localhost", trust: .pinned("sha256:12")),
            TestConfiguration(host: "localhost", connectTimeout: .zero),
        ])
    func refused(configuration: TestConfiguration) {
        let failure = #expect(throws: TestFailure.self) { try TestClient(configuration) }
        #expect(failure?.kind == .usage)
    }
}

/// A server on a free port, and the configuration of a client for it; both forget everything afterwards.
func withServer(
    _ change: (inout ServerConfiguration) -> Void = { _ in },
    observe: @escaping @Sendable (TestServer.Event) -> Void = { _ in },
    _ body: (TestServer, TestConfiguration) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory()
    var settings = ServerConfiguration(port: 0)
    settings.stateDirectory = directory.path
    change(&settings)
    let server = try await TestServer.start(settings, observe)
    let running = Task { await server.run() }
    let configuration = TestConfiguration(host: "127.0.0.1", port: server.port, stateDirectory: directory.path)
    do {
        try await body(server, configuration)
    } catch {
        server.stop()
        await running.value
        throw error
    }
    server.stop()
    await running.value
}
