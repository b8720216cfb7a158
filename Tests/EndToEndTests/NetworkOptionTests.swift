import QrateTestSupport
import Testing

@Suite("options of the network", .fewAtATime) struct NetworkOptionTests {
    private static let brief = ["-n", "3000003", "--json"]

    @Test(
        "offloads that a client leaves out are off in its settings, and the test works without",
        arguments: [[], ["-R"]], [[], ["--no-gso"], ["--no-gro"], ["--no-gso", "--no-gro"]])
    func clientOffloads(direction: [String], options: [String]) async throws {
        try await withServer { server in
            let result = try await server.client(direction + options + Self.brief).success()
            let settings = try #require(result.test?.settings.client)
            #expect(settings.segmentationOffload == !options.contains("--no-gso"))
            #expect(settings.receiveOffload == !options.contains("--no-gro"))
            #expect(result.test?.settings.server?.segmentationOffload == true)
            #expect(result.summary?.totals?.bytesReceived == 3_000_003)
        }
    }

    @Test("offloads that a server leaves out are off in its settings", arguments: [[], ["-R"]])
    func serverOffloads(direction: [String]) async throws {
        try await withServer(["--no-gso", "--no-gro"]) { server in
            let result = try await server.client(direction + Self.brief).success()
            #expect(result.test?.settings.server?.segmentationOffload == false)
            #expect(result.test?.settings.server?.receiveOffload == false)
            #expect(result.test?.settings.client?.segmentationOffload == true)
            #expect(result.summary?.totals?.bytesReceived == 3_000_003)
        }
    }

    @Test("buffers of stock Debian's size are enough, and the result says what was granted", arguments: [[], ["-R"]])
    func socketBuffers(direction: [String]) async throws {
        try await withServer(["--socket-buffer", "208K"]) { server in
            let result = try await server.client(direction + ["--socket-buffer", "208K"] + Self.brief).success()
            for settings in [result.test?.settings.client, result.test?.settings.server] {
                #expect(settings?.sendBufferBytes == 2 * 208 * 1024)
                #expect(settings?.receiveBufferBytes == 2 * 208 * 1024)
            }
            #expect(result.summary?.totals?.bytesReceived == 3_000_003)
        }
    }

    @Test("a server that makes clients prove their address serves them", arguments: [[], ["-R"]])
    func retry(direction: [String]) async throws {
        try await withServer(["--retry"]) { server in
            let result = try await server.client(direction + Self.brief).success()
            #expect(result.summary?.totals?.bytesReceived == 3_000_003)
        }
    }

    @Test("IPv6 works like IPv4, with a name for each")
    func families() async throws {
        try await withServer { server in
            for host in ["::1", "localhost"] {
                let result = try await server.client(Self.brief, host: host).success()
                #expect(result.server?.address?.hasSuffix(":\(server.port)") == true)
                #expect(result.summary?.totals?.bytesReceived == 3_000_003)
            }
        }
    }
}
