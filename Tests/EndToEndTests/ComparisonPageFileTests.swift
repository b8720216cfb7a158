import FoundationEssentials
import Glibc
import QrateTestSupport
import Testing

/// `qrate compare --report`, as its users run it. What is on the page is ReportingTests' to say.
@Suite("the page that a comparison writes", .fewAtATime) struct ComparisonPageFileTests {
    private func command(_ server: ServerProcess, _ arguments: [String]) -> [String] {
        ["compare", "127.0.0.1", "-p", "\(server.port)", "--transports", "tls,tcp"] + arguments
    }

    @Test("is there at the end, beside the output that was asked for", arguments: [[], ["--json"]])
    func written(format: [String]) async throws {
        try await withServer { server in
            let page = server.directory + "/page.html"
            let client = try await QrateProgram.run(
                command(server, ["--rounds", "5", "-t", "0.2", "--report", page] + format), state: server.clientState)
            #expect(client.status == 0, "\(client.errors)")
            #expect(!client.output.contains("<html"))
            let text = String(decoding: try Data(contentsOf: URL(filePath: page)), as: UTF8.self)
            #expect(text.hasPrefix("<!DOCTYPE html>") && text.hasSuffix("</html>\n"))
            #expect(text.contains("<h1>TLS and TCP compared</h1>"))
            #expect(text.contains(" to 127.0.0.1:\(server.port), "))
        }
    }

    @Test("has the rounds that were complete when Ctrl-C came")
    func interrupted() async throws {
        try await withServer { server in
            let page = server.directory + "/page.html"
            let arguments = command(server, ["--rounds", "1000", "--precision", "0.1%", "-t", "0.2", "--report", page])
            try await QrateProgram.with(arguments, state: server.clientState) { client in
                // The heading comes with the first round.
                _ = try await client.output.line(with: "round")
                client.send(SIGINT)
                #expect(try await client.end() == 130)
            }
            let text = String(decoding: try Data(contentsOf: URL(filePath: page)), as: UTF8.self)
            #expect(text.contains("artial result: the comparison was interrupted"))
            #expect(text.contains("<section id=\"rounds\">"))
        }
    }

    @Test("is refused before anything is measured where it can't be written")
    func refused() async throws {
        let client = try await QrateProgram.run(["compare", "192.0.2.1", "--report", "/nowhere/page.html"])
        #expect(client.status == 65)
        #expect(client.output.isEmpty)
        #expect(client.errors.contains("the report cannot be written to /nowhere/page.html: No such file"))
    }
}
