import QrateKit
import QrateTestSupport
import Synchronization
import Testing

@Suite("the processor time of a test, over real transports", .timeLimit(.minutes(1))) struct ProcessorTimeTests {
    @Test("is measured at both ends", arguments: [TransportKind.quic, .tls, .tcp, .udp], Direction.allCases)
    func bothEnds(transport: TransportKind, direction: Direction) async throws {
        try await withServer { _, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(
                transport: transport, direction: direction, streams: 2, limit: .duration(.milliseconds(200)),
                targetBitrate: transport == .udp ? Bitrate(bitsPerSecond: 100_000_000) : nil)
            let report = try await TestClient(configuration).run()
            #expect(report.failure == nil)
            let perStream = ["send 1", "send 2"], received = ["receive 1", "receive 2"]
            for (end, sends, receives) in [
                (report.client, direction != .download, direction != .upload),
                (try #require(report.server), direction != .upload, direction != .download),
            ] {
                let usage = try #require(end.cpu)
                #expect(try #require(usage.total) > .zero)
                #expect(usage.user == usage.threads.map(\.user).reduce(.zero, +))
                #expect(usage.system == usage.threads.map(\.system).reduce(.zero, +))
                let names = (sends ? perStream : []) + (receives ? received : [])
                #expect(usage.threads.map(\.name) == (transport == .quic ? ["endpoint 1"] : names))
                for thread in usage.threads {
                    // The two clocks that it is read by count in units of their own.
                    #expect(thread.used <= thread.elapsed + .milliseconds(1), "\(thread)")
                    #expect(thread.elapsed >= .milliseconds(100), "\(thread)")
                    #expect(!thread.isShared)
                }
                #expect(usage.perGigabyte(of: try #require(report.receivedInAll)) != nil)
            }
        }
    }

    @Test("is measured until the end of a test that is cut short", arguments: [TransportKind.quic, .tcp, .udp])
    func cancelled(transport: TransportKind) async throws {
        try await withServer { _, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(
                transport: transport, direction: .bidirectional, limit: .duration(.seconds(600)),
                interval: .milliseconds(100),
                targetBitrate: transport == .udp ? Bitrate(bitsPerSecond: 100_000_000) : nil)
            let client = try TestClient(configuration)
            let report = await client.run { event in
                if case .interval = event { client.cancel() }
            }
            #expect(report.failure?.kind == .interrupted)
            #expect(try #require(report.client.cpu?.total) > .zero)
            // On a busy host the server's counts may come too late for a client that doesn't wait long.
            if report.upload?.isComplete != nil { #expect(try #require(report.server?.cpu?.total) > .zero) }
        }
    }

    @Test("spread over connections, each thread's counts once")
    func connections() async throws {
        try await withServer {
            $0.threads = 2
        } _: { _, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(streams: 4, limit: .duration(.milliseconds(300)))
            configuration.parameters.settings.connections = 4
            let report = try await TestClient(configuration).run()
            #expect(report.failure == nil)
            let server = try #require(report.server)
            let threads = server.cpu?.threads ?? []
            #expect(threads.count == server.settings.endpointThreads)
            #expect(threads.map(\.name) == Array(["endpoint 1", "endpoint 2"].prefix(threads.count)))
            #expect(threads.allSatisfy { !$0.isShared }, "the test's own control connection is none of others'")
            #expect(try #require(report.client.cpu?.total) > .zero)
        }
    }

    @Test("of two tests on one thread of a server can't be told apart, and isn't; their clients know theirs")
    func twoTests() async throws {
        try await withServer {
            $0.threads = 1
        } _: { _, configuration in
            var configuration = configuration
            configuration.trust = .insecure
            configuration.parameters = TestParameters(
                limit: .endless, interval: .milliseconds(100), targetBitrate: Bitrate(bitsPerSecond: 50_000_000))
            let (one, two) = (try TestClient(configuration), try TestClient(configuration))
            let rows = Rows()
            async let first = one.run { if case .interval = $0 { rows.came(0) } }
            async let second = two.run { if case .interval = $0 { rows.came(1) } }
            await rows.bothCame()
            one.cancel()
            two.cancel()
            for report in await [first, second] {
                let server = try #require(report.server?.cpu)
                #expect(server.total == nil)
                #expect(server.threads.map(\.isShared) == [true])
                #expect(try #require(server.threads.first).used > .zero)
                #expect(try #require(report.client.cpu?.total) > .zero)
                #expect(report.client.cpu?.threads.map(\.isShared) == [false])
            }
        }
    }
}

/// Waits until two tests have had some rows each at the same time.
private final class Rows: Sendable {
    private let counts = Mutex([0, 0])
    private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

    func came(_ test: Int) {
        let areEnough = counts.withLock { counts in
            counts[test] += 1
            return counts.allSatisfy { $0 >= 3 }
        }
        if areEnough { continuation.finish() }
    }

    func bothCame() async { for await _ in stream {} }
}
