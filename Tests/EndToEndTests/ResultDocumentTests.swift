import FoundationEssentials
import Glibc
import QrateTestSupport
import Testing

/// `--json`: one object on standard output, whatever happens, and one that the published schema describes.
@Suite("the JSON document", .fewAtATime) struct ResultDocumentTests {
    @Test("of tests that went well", arguments: [[], ["-R", "-P", "3"], ["-n", "1"], ["-O", "100ms", "-q"]])
    func success(arguments: [String]) async throws {
        try await withServer { server in
            let limit = arguments.contains("-n") ? [] : ["-t", "200ms", "-i", "100ms"]
            let client = try await server.client(arguments + limit + ["--json"])
            _ = try client.success()
            try await expectValid(client.output)
        }
    }

    @Test(
        "of failures before there is a server",
        arguments: [
            (["-t", "abc"], "usage", 64), (["--nonsense"], "usage", 64), (["-P", "0"], "usage", 64),
            (["--pin", "xyz"], "usage", 64), (["--ca", "none.pem"], "bad_input", 65),
        ] as [([String], String, CInt)])
    func failureBeforeServer(arguments: [String], kind: String, status: CInt) async throws {
        let client = try await QrateProgram.run(["127.0.0.1", "--json"] + arguments)
        client.expectFailure(status)
        try await expect(client, kind: kind)
    }

    @Test("of a mistyped subcommand and of a server that can't start")
    func failureOfOthers() async throws {
        try await expect(try await QrateProgram.run(["serv", "--json"]), kind: "usage")
        try await expect(try await QrateProgram.run(["serve", "--json", "-p", "x"]), kind: "usage")
        let server = try await QrateProgram.run(["serve", "--json", "-p", "0", "--cert", "none", "--key", "none"])
        try await expect(server, kind: "bad_input")
    }

    @Test("of a server that can't be reached")
    func unreachable() async throws {
        let port = try SilentPort(.closed)
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)", "--json"])
        client.expectFailure(69)
        try await expect(client, kind: "unreachable")
    }

    @Test("of a test that the server refuses")
    func refused() async throws {
        try await withServer(["--max-duration", "1s"]) { server in
            let client = try await server.client(["-t", "2", "--json"])
            client.expectFailure(75)
            try await expect(client, kind: "refused")
        }
    }

    @Test("of a certificate that isn't trusted")
    func certificate() async throws {
        try await withServer { server in
            let pin = "sha256:" + String(repeating: "0", count: 64)
            let client = try await server.client(["--pin", pin, "-n", "1000", "--json"])
            client.expectFailure(77)
            try await expect(client, kind: "certificate")
        }
    }

    @Test("of an interrupted test", arguments: [[], ["-R"]])
    func interrupted(direction: [String]) async throws {
        try await withServer { server in
            // Nothing tells from outside that the first row is in. After another client's whole test it nearly always
            // is; where it isn't, the document is that of a test that was interrupted before it.
            for attempt in 1...20 {
                let client = try await server.withClient(direction + ["-t", "60", "-i", "100ms", "--json"]) { client in
                    try await server.events("test_started", count: 2 * attempt - 1)
                    #expect(try await server.client(["-t", "200ms"]).status == 0)
                    client.send(SIGINT)
                    return try await client.outcome()
                }
                client.expectFailure(130)
                try await expect(client, kind: "interrupted")
                let result = try client.result()
                guard let rows = result.intervals, !rows.isEmpty else { continue }
                #expect(result.server?.software.hasPrefix("qrate/") == true)
                #expect(result.summary?.totals?.bytesReceived == rows.map(\.bytes).reduce(0, +))
                return
            }
            Issue.record("no interrupted test had a row")
        }
    }

    @Test("of a test whose server was shut down in its course", arguments: [[], ["-R"]])
    func failed(direction: [String]) async throws {
        try await withServer { server in
            let client = try await server.withClient(direction + ["-t", "60", "--json"]) { client in
                try await server.events("test_started")
                server.program.send(SIGTERM)
                return try await client.outcome()
            }
            client.expectFailure(1)
            try await expect(client, kind: "failed")
            #expect(try await server.program.end() == 0)
        }
    }

    /// Expects one object that the schema describes, with that error.
    private func expect(_ outcome: RunningProgram.Outcome, kind: String) async throws {
        let error = try #require(try outcome.result().error)
        #expect(error.kind == kind)
        #expect(outcome.errors == "qrate: \(error.message)\n")
        try await expectValid(outcome.output)
    }
}
