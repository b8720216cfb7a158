import Foundation
import QrateTestSupport
import Testing

@Suite("a server of several threads", .fewAtATime) struct ServerThreadTests {
    @Test(
        "connections over its threads bring every byte, and the result says how many threads there were",
        arguments: [[], ["-R"], ["--bidir"]] as [[String]])
    func connections(direction: [String]) async throws {
        try await withServer(["--threads", "2"]) { server in
            let client = try await server.client(
                ["--connections", "4", "-P", "4", "-n", "20000003", "--json"] + direction)
            let result = try client.success()
            for totals in [result.summary?.upload, result.summary?.download].compactMap(\.self) {
                #expect(totals.bytesReceived == 20_000_003)
                #expect(totals.bytesSent == 20_000_003)
            }
            #expect(result.test?.settings.server?.endpointThreads == 2)
            #expect(
                result.test?.settings.client?.endpointThreads == min(4, ProcessInfo.processInfo.activeProcessorCount))
        }
    }

    @Test("one thread serves as many connections", arguments: [[], ["-R"]] as [[String]])
    func single(direction: [String]) async throws {
        try await withServer(["--threads", "1"]) { server in
            let client = try await server.client(
                ["--connections", "4", "-P", "4", "-n", "20000003", "--json"] + direction)
            let result = try client.success()
            #expect(result.summary?.totals?.bytesReceived == 20_000_003)
            #expect(result.test?.settings.server?.endpointThreads == 1)
        }
    }
}
