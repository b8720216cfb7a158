import Glibc
import QrateTestSupport
import Testing

@Suite("text output", .fewAtATime) struct TextOutputTests {
    /// Buffers that every host grants, so that nothing is to be said about them.
    private static let modest = ["--socket-buffer", "200K"]

    @Test("has a header, a table of rows and a summary, in 80 columns of plain text", arguments: [[], ["-R"]])
    func report(direction: [String]) async throws {
        try await withServer(Self.modest) { server in
            let arguments = ["-t", "300ms", "-i", "100ms", "-O", "100ms", "-P", "2"]
            let client = try await server.client(direction + arguments + Self.modest)
            #expect(client.status == 0)
            expectWarningsOnly(client.errors)
            let lines = client.output.split(separator: "\n", omittingEmptySubsequences: false)
            let test = direction == [] ? "upload to" : "download from"
            #expect(lines.first == "qrate 0.1.0   QUIC \(test) 127.0.0.1:\(server.port)")
            #expect(client.output.contains("2 streams, 0.3 s after 0.1 s of warm-up, cubic, "))
            #expect(client.output.contains("first contact"))
            #expect(lines.contains { $0 == server.fingerprint }, "the whole fingerprint, to be compared")
            #expect(lines.filter { $0.contains("interval") && $0.contains("window") }.count == 1)
            for row in ["0.0-0.1 s", "0.1-0.2 s", "0.2-0.3 s", "0.3-0.4 s", "0.1-0.4 s"] {
                #expect(lines.filter { $0.hasPrefix("   \(row) ") }.count == 1, "\(row)\n\(client.output)")
            }
            #expect(lines.first { $0.contains("0.0-0.1 s") }?.hasSuffix("(warm-up)") == true)
            #expect(lines.filter { $0.contains("     stream 1 ") }.count == 5)
            #expect(lines.contains { $0.contains(" received (") && $0.contains("bit/s") })
            #expect(lines.contains { $0.hasPrefix("handshake ") })
            expectPlain(client.output)
        }
    }

    @Test("quiet leaves the header and the summary")
    func quiet() async throws {
        try await withServer(Self.modest) { server in
            let client = try await server.client(["-t", "200ms", "-i", "100ms", "-q"] + Self.modest)
            #expect(client.status == 0)
            expectWarningsOnly(client.errors)
            #expect(client.output.hasPrefix("qrate 0.1.0   QUIC upload to"))
            #expect(!client.output.contains("0.0-0.1 s"))
            #expect(client.output.contains(" received ("))
            expectPlain(client.output)
        }
    }

    @Test("bytes that came in no time were received, whatever their rate")
    func oneByte() async throws {
        try await withServer { server in
            let client = try await server.client(["-n", "1"])
            #expect(client.status == 0)
            #expect(client.output.contains("\n1 B received, "))
            #expect(!client.output.contains("no payload"))
        }
    }

    @Test("a failure is one line on standard error, and standard output has results only")
    func failure() async throws {
        let port = try SilentPort(.closed)
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)"])
        client.expectFailure(69)
        #expect(client.output == "")
    }

    @Test("an interrupted test leaves its rows and says that they are partial", arguments: [[], ["-R"]])
    func partial(direction: [String]) async throws {
        try await withServer { server in
            let client = try await server.withClient(direction + ["-t", "60", "-i", "100ms"]) { client in
                try await client.output.line(with: "0.1-0.2 s")
                client.send(SIGINT)
                return try await client.outcome()
            }
            client.expectFailure(130, saying: "interrupted")
            #expect(client.output.contains("\npartial result: "))
            #expect(client.output.contains(" received ("))
            expectPlain(client.output)
        }
    }

    /// No progress line, which is for terminals only. What else there is to say depends on the build and on the machine.
    private func expectWarningsOnly(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(text.hasPrefix("warning: Both ends are on this machine"), sourceLocation: sourceLocation)
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.hasPrefix("warning: ") || $0.hasPrefix("  ") }, sourceLocation: sourceLocation)
        expectPlain(text, sourceLocation: sourceLocation)
    }

    /// Nothing that moves a cursor, and no line that an ordinary terminal would break.
    private func expectPlain(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let controls = text.unicodeScalars.filter { $0 != "\n" && $0.properties.generalCategory == .control }
        #expect(controls.isEmpty, sourceLocation: sourceLocation)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)", sourceLocation: sourceLocation)
    }
}
