import Glibc
import QrateTestSupport
import Testing

@Suite("a server that goes away in the middle of tests", .fewAtATime) struct LostServerTests {
    private static let long = ["-t", "60", "-i", "100ms"]

    @Test(
        "in order: its clients get their partial results, and it ends with status 0",
        arguments: MatrixRow.Transport.allCases)
    func shutDown(transport: MatrixRow.Transport) async throws {
        try await withServer { server in
            let arguments = Self.long + [transport.flag]
            try await server.withClient(arguments) { up in
                try await server.withClient(arguments + ["-R"]) { down in
                    for client in [up, down] { try await client.output.line(with: "0.1-0.2 s") }
                    server.program.send(SIGTERM)
                    for client in [up, down] {
                        let outcome = try await client.outcome()
                        outcome.expectFailure(1, saying: "shutting down")
                        #expect(outcome.output.contains("\npartial result: "))
                        #expect(outcome.output.contains(" received ("))
                    }
                }
            }
            #expect(try await server.program.end() == 0)
            let ends = try await server.events("test_finished", count: 2)
            #expect(ends.allSatisfy { $0.message?.contains("shutting down") == true })
        }
    }

    @Test(
        "killed: a client notices by itself and keeps what it has",
        arguments: MatrixRow.Transport.allCases, [[], ["-R"]])
    func killed(transport: MatrixRow.Transport, direction: [String]) async throws {
        try await withServer { server in
            let client = try await server.withClient(Self.long + direction + [transport.flag]) { client in
                try await client.output.line(with: "0.1-0.2 s")
                server.program.send(SIGKILL)
                return try await client.outcome()
            }
            // Its host told so, long before any time-out: that nothing listens any more, or that a connection has ended.
            // Over TLS whichever connection is read first tells it in its own way.
            let words = ["the server is gone", "The server ended the conversation", "was cut off", "the peer reset it"]
            client.expectFailure(1)
            #expect(words.contains { client.errors.contains($0) }, "\(client.errors)")
            #expect(client.output.contains("\npartial result: "))
            #expect(client.output.contains(" received ("))
        }
    }

    @Test("told twice, it ends at once")
    func insistent() async throws {
        try await withServer { server in
            // A client that doesn't answer would hold an orderly shutdown up.
            try await server.withClient(Self.long) { client in
                try await server.events("test_started")
                client.send(SIGSTOP)
                server.program.send(SIGTERM)
                server.program.send(SIGINT)
                #expect(try await server.program.end() >= 128)
            }
        }
    }
}
