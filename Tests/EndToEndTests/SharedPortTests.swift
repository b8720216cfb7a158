import Glibc
import QrateTestSupport
import Testing

/// QUIC and UDP tests share one UDP port of the server.
@Suite("transports beside each other", .fewAtATime) struct SharedPortTests {
    @Test("UDP flows that start while a QUIC test runs take none of its packets", arguments: [1, 3])
    func flowsBesideQUIC(threads: Int) async throws {
        try await withServer(["--threads", "\(threads)"]) { server in
            // Slow enough that no socket buffer overflows on a busy machine: what is lost then, somebody else took.
            let arguments = ["-b", "20M", "-t", "60", "-i", "100ms", "--connections", "3", "-P", "3", "--json"]
            let quic = try await server.withClient(arguments) { client in
                try await server.events("test_started")
                // Each flow makes a socket on the server's port: for a moment it may get what is QUIC's.
                for _ in 0..<4 {
                    let udp = try await server.client(["--udp", "-P", "8", "-b", "8M", "-n", "112000", "--json"])
                    let totals = try #require(try udp.success().summary?.totals)
                    #expect(totals.bytesReceived == 112_000)
                    #expect(totals.datagrams?.lost == 0)
                }
                let finished = try server.events.filter { $0.event == "test_finished" }
                #expect(finished.map(\.transport) == Array(repeating: "udp", count: 4))
                client.send(SIGINT)
                return try await client.outcome()
            }
            quic.expectFailure(130)
            let path = try #require(try quic.result().path?.quic)
            #expect(path.streamPacketsLost == 0)
            let sent = try #require(path.datagramsSent)
            #expect(sent > 0)
            let calls = try #require(path.sendCalls)
            #expect(calls > 0 && calls <= sent)
        }
    }

    @Test("tests over all transports at once keep their bytes apart")
    func allAtOnce() async throws {
        try await withServer { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for transport in MatrixRow.Transport.allCases {
                    for (number, direction) in [[], ["-R"]].enumerated() {
                        group.addTask {
                            // Whole datagrams, and a size that is this test's own.
                            let bytes = UInt64(1400 * (100 + number)) * (transport == .udp ? 1 : 7)
                            let client = try await server.client(
                                [transport.flag, "-n", "\(bytes)", "-b", "20M", "-P", "2", "--json"] + direction)
                            let totals = try #require(try client.success().summary?.totals)
                            #expect(totals.bytesReceived == bytes)
                            #expect(totals.bytesSent == bytes)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let ends = try await server.events("test_finished", count: 8)
            #expect(ends.allSatisfy { $0.message == nil })
        }
    }
}
