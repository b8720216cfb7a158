import FoundationEssentials
import Glibc
import QrateTestSupport
import Testing

/// `qrate handshakes`, as its users run it.
@Suite("handshakes, measured between processes", .fewAtATime) struct HandshakeTests {
    private struct Document: Decodable {
        var phases: [String: Phase]?
        var error: Failure?

        struct Phase: Decodable {
            var completed: UInt64
            var failed: UInt64
            var mistaken: UInt64
            var connectionsPerSecond: Double?
            var cpu: CPU?
        }

        struct CPU: Decodable { var client: Time?, server: Time? }
        struct Time: Decodable { var perHandshakeUs: Double? }
        struct Failure: Decodable { var kind: String, message: String }
    }

    private func document(_ text: String) throws -> Document {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Document.self, from: Data(text.utf8))
    }

    private func handshakes(_ server: ServerProcess, _ arguments: [String]) async throws -> RunningProgram.Outcome {
        try await QrateProgram.run(
            ["handshakes", "127.0.0.1", "-p", "\(server.port)"] + arguments, state: server.clientState)
    }

    @Test("one JSON object with both kinds, as the schema has it", arguments: ["--quic", "--tls"], ["1", "3"])
    func json(transport: String, parallel: String) async throws {
        try await withServer { server in
            let client = try await handshakes(server, [transport, "-P", parallel, "-n", "20", "--json"])
            #expect(client.status == 0, "\(client.errors)")
            try await expectValid(client.output, schema: "handshakes")
            let phases = try #require(try document(client.output).phases)
            #expect(Set(phases.keys) == ["cold", "resumed"])
            for phase in phases.values {
                #expect(phase.completed == 20 && phase.failed == 0 && phase.mistaken == 0)
                #expect((phase.connectionsPerSecond ?? 0) > 0)
                #expect((phase.cpu?.client?.perHandshakeUs ?? 0) > 0)
                #expect((phase.cpu?.server?.perHandshakeUs ?? 0) > 0)
            }
            #expect(try server.events.map(\.event) == ["listening"], "nothing to log about them")
        }
    }

    @Test("text that fits a terminal, with the figures of both ends")
    func text() async throws {
        try await withServer { server in
            let client = try await handshakes(server, ["-n", "20", "--tls"])
            #expect(client.status == 0)
            let lines = client.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first?.contains("TLS handshakes with 127.0.0.1:\(server.port)") == true)
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(client.output)")
            for word in ["cold ", "resumed ", "CPU per handshake", "at the server", "TCP's part of it"] {
                #expect(client.output.contains(word), "\(word): \(client.output)")
            }
        }
    }

    @Test("a certificate that isn't trusted is refused before anything is measured", arguments: ["--quic", "--tls"])
    func untrusted(transport: String) async throws {
        try await withServer { server in
            let pin = "sha256:" + String(repeating: "0", count: 64)
            let client = try await handshakes(server, [transport, "--pin", pin, "-n", "5"])
            client.expectFailure(77, saying: "pinned")
            #expect(client.output == "")
            let same = try await handshakes(server, [transport, "--pin", pin, "-n", "5", "--json"])
            same.expectFailure(77)
            try await expectValid(same.output, schema: "handshakes")
            #expect(try document(same.output).error?.kind == "certificate")
        }
    }

    @Test("where nobody listens, and for arguments that can't be run", arguments: ["--quic", "--tls"])
    func failures(transport: String) async throws {
        let port = try SilentPort(.closed)
        let none = try await QrateProgram.run(["handshakes", "127.0.0.1", "-p", "\(port.number)", transport, "--json"])
        none.expectFailure(69, saying: "nothing listens on")
        try await expectValid(none.output, schema: "handshakes")
        let usage = try await QrateProgram.run(["handshakes", "127.0.0.1", transport, "-P", "100", "--json"])
        usage.expectFailure(64, saying: "1 to 32")
        try await expectValid(usage.output, schema: "handshakes")
        let unknown = try await QrateProgram.run(["handshakes", "127.0.0.1", transport, "--nonsense", "--json"])
        unknown.expectFailure(64, saying: "`qrate handshakes --help`")
        try await expectValid(unknown.output, schema: "handshakes")
    }

    @Test("a killed server: the client notices", arguments: ["--quic", "--tls"])
    func killed(transport: String) async throws {
        try await withServer { server in
            let arguments = [transport, "-t", "600", "--connect-timeout", "2s", "-P", "2"]
            let client = try await QrateProgram.with(
                ["handshakes", "127.0.0.1", "-p", "\(server.port)"] + arguments, state: server.clientState
            ) { client in
                try await client.output.line(with: "complete")
                server.program.send(SIGKILL)
                return try await client.outcome()
            }
            // By what it was doing just then: a handshake, or nothing yet.
            #expect([1, 69, 76].contains(client.status), "\(client.errors)")
            #expect(!client.output.contains("\nresumed "), "\(client.output)")
        }
    }

    @Test("Ctrl-C prints what was measured", arguments: ["--quic", "--tls"])
    func interrupted(transport: String) async throws {
        try await withServer { server in
            let client = try await QrateProgram.with(
                ["handshakes", "127.0.0.1", "-p", "\(server.port)", "-t", "600", transport], state: server.clientState
            ) { client in
                try await client.output.line(with: "complete")
                client.send(SIGINT)
                return try await client.outcome()
            }
            client.expectFailure(130)
            #expect(client.output.contains("failed  per second"))
        }
    }

    @Test("thousands of them leave nothing behind in a server", arguments: ["--quic", "--tls"])
    func manyHandshakes(transport: String) async throws {
        try await withServer { server in
            var rounds: [ProcessFigures] = []
            // The first round pays for what is kept for good: code, caches, the allocator's pools.
            for _ in 1...2 {
                let client = try await handshakes(server, [transport, "-P", "4", "-n", "1000", "--json"])
                #expect(client.status == 0, "\(client.errors)")
                rounds.append(try ProcessFigures(of: server.program.id))
            }
            let after = try await ProcessFigures.settled(of: server.program.id, near: rounds[0])
            #expect(after.descriptors <= rounds[0].descriptors + ProcessFigures.keptByRuntime)
            #expect(after.threads <= rounds[0].threads + ProcessFigures.keptByRuntime)
            // 2,000 more of them: what a connection holds, 50 kB and more, would be 100 MB if it were kept.
            #expect(after.residentKilobytes - rounds[0].residentKilobytes < 15_000, "\(rounds), \(after)")
            #expect(try server.events.map(\.event) == ["listening"])
        }
    }

    @Test("a server that demands proof of address is measured with its round trip more")
    func retry() async throws {
        try await withServer(["--retry"]) { server in
            let client = try await handshakes(server, ["-n", "5", "--json"])
            #expect(client.status == 0, "\(client.errors)")
            #expect(try document(client.output).phases?["resumed"]?.completed == 5)
        }
    }
}
