import FoundationEssentials
import Glibc
import QrateTestSupport
import Testing

/// `qrate diff`, on what `qrate` saved.
@Suite("diffs of saved documents", .fewAtATime) struct DiffTests {
    /// Documents to hold against each other: results of 1,000 bytes, of which only the rate is made up.
    private func withDocuments(
        _ body: (_ directory: String, _ result: String) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        try await withServer { server in
            let client = try await server.client(["-t", "100ms", "--json"])
            #expect(client.status == 0, "\(client.errors)")
            try await body(directory.path, client.output)
        }
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    /// The result with another throughput, in bits per second.
    private func changed(_ result: String, to rate: UInt64) -> String {
        result.replacing(/"throughput_bps" : [0-9]+/, with: "\"throughput_bps\" : \(rate)")
    }

    @Test("a result against itself and against a slower one, in text and JSON")
    func results() async throws {
        try await withDocuments { directory, result in
            try write(changed(result, to: 900_000_000), directory + "/a.json")
            try write(changed(result, to: 700_000_000), directory + "/b.json")
            let same = try await QrateProgram.run(["diff", directory + "/a.json", directory + "/a.json"])
            #expect(same.status == 0 && same.errors == "", "\(same.errors)")
            #expect(same.output.contains("no difference"))
            let slower = try await QrateProgram.run(["diff", directory + "/a.json", directory + "/b.json"])
            #expect(slower.status == 1 && slower.errors == "", "\(slower.errors)")
            #expect(slower.output.contains("0.78") && slower.output.contains("regression"))
            let faster = try await QrateProgram.run(["diff", directory + "/b.json", directory + "/a.json", "--json"])
            #expect(faster.status == 0)
            try await expectValid(faster.output, schema: "diff")
            #expect(faster.output.contains("\"verdict\" : \"improvement\""))
            let allowed = try await QrateProgram.run([
                "diff", directory + "/a.json", directory + "/b.json", "--threshold", "25%",
            ])
            #expect(allowed.status == 0)
        }
    }

    @Test("comparisons by their rounds")
    func comparisons() async throws {
        try await withServer { server in
            let directory = try TemporaryDirectory()
            let file = directory.path + "/a.json"
            let comparison = try await QrateProgram.run(
                [
                    "compare", "127.0.0.1", "-p", "\(server.port)", "--transports", "tls,tcp", "-t", "100ms",
                    "--rounds", "5", "--json",
                ], state: server.clientState)
            #expect(comparison.status == 0, "\(comparison.errors)")
            try directory.write(comparison.output, to: "a.json")
            let same = try await QrateProgram.run(["diff", file, file, "--json"])
            #expect(same.status == 0, "\(same.errors)")
            try await expectValid(same.output, schema: "diff")
            #expect(same.output.contains("\"lower\" : ") && same.output.contains("\"ratio\" : 1"))
            // The loopback carries more than 1,000 bit/s in any round.
            try directory.write(changed(comparison.output, to: 1000), to: "b.json")
            let slower = try await QrateProgram.run(["diff", file, directory.path + "/b.json", "--json"])
            #expect(slower.status == 1)
            #expect(slower.output.contains("\"regression\" : true"))
        }
    }

    @Test("unlike tests and what is no document are refused, with the field or the place")
    func refused() async throws {
        try await withDocuments { directory, result in
            try write(result, directory + "/a.json")
            try write(result.replacing("\"streams\" : 1,", with: "\"streams\" : 4,"), directory + "/b.json")
            try write("{\"schema\" : \"qrate.result/1\", \"test\" : 7}", directory + "/c.json")
            func diff(_ arguments: String...) async throws -> RunningProgram.Outcome {
                try await QrateProgram.run(["diff", directory + "/a.json"] + arguments)
            }
            try await diff(directory + "/b.json").expectFailure(65, saying: "test.streams (1 against 4)")
            try await diff(directory + "/c.json").expectFailure(65, saying: "c.json", "\"test\"")
            try await diff(directory + "/nope.json").expectFailure(65, saying: "nope.json", "No such file")
            try await diff("-").expectFailure(65, saying: "standard input", "no JSON document")
            try await diff().expectFailure(64, saying: "`qrate diff --help`")
            try await diff(directory + "/a.json", "--threshold", "100%").expectFailure(64, saying: "--threshold")
            let json = try await diff(directory + "/b.json", "--json")
            json.expectFailure(65)
            try await expectValid(json.output, schema: "diff")
        }
    }
}

/// `qrate selftest`, as its users run it.
@Suite("the self-test of a host", .fewAtATime) struct SelfTestProgramTests {
    @Test("one JSON object, as the schema has it, and text that fits a terminal")
    func whole() async throws {
        let json = try await QrateProgram.run(["selftest", "-t", "100ms", "--json"])
        #expect(json.status == 0 && json.errors == "", "\(json.errors)\(json.output)")
        try await expectValid(json.output, schema: "selftest")
        let text = try await QrateProgram.run(["selftest", "-t", "100ms"])
        #expect(text.status == 0)
        #expect(text.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text.output)")
        for word in ["QUIC ", "TLS ", "TCP ", "UDP ", "UDP buffers ", "GSO and GRO ", "clock ", "encryption "] {
            #expect(text.output.contains("\n" + word), "\(word)")
        }
    }

    @Test("Ctrl-C ends it in order")
    func interrupted() async throws {
        let state = try TemporaryDirectory()
        let outcome = try await QrateProgram.with(["selftest", "-t", "1m"], state: state.path) { program in
            try await program.output.line(with: "rate")
            program.send(SIGINT)
            return try await program.outcome()
        }
        outcome.expectFailure(130, saying: "interrupted")
        #expect(outcome.output.contains("UDP buffers"))
    }

    @Test("a length that can't be run is refused")
    func usage() async throws {
        let outcome = try await QrateProgram.run(["selftest", "-t", "2m", "--json"])
        outcome.expectFailure(64, saying: "out of range")
        try await expectValid(outcome.output, schema: "selftest")
    }
}
