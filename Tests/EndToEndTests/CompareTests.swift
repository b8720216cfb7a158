import FoundationEssentials
import Glibc
import QratePathEmulation
import QrateTestSupport
import Testing

/// Of a comparison's document, what these tests look at.
private struct Comparison: Decodable {
    var rounds: [Round]?
    var transports: [Figures]?
    var pairs: [Pair]?
    var end: String?
    var error: Failure?

    struct Round: Decodable { var number: Int, tests: [TestResult] }
    struct Figures: Decodable {
        var transport: String, direction: String
        var throughputBps: [UInt64?]
        var medianBps: UInt64?
        var limitedBy: String?
    }

    struct Failure: Decodable { var kind: String }

    struct Pair: Decodable {
        var transport: String, other: String, direction: String, verdict: String, sentence: String
        var rounds: Int
        var ratio: Double?, lower: Double?, upper: Double?
    }

    init(_ outcome: RunningProgram.Outcome) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Comparison.self, from: Data(outcome.output.utf8))
    }
}

extension ServerProcess {
    /// A `qrate compare` with this server, to its end.
    fileprivate func comparison(_ arguments: [String]) async throws -> RunningProgram.Outcome {
        try await QrateProgram.run(
            ["compare", path?.address(of: .server) ?? "127.0.0.1", "-p", "\(port)"] + arguments, state: clientState,
            launcher: path?.launcher(.client) ?? [])
    }
}

/// `qrate compare`, as its users run it.
@Suite("comparisons between processes", .fewAtATime) struct CompareTests {
    private static let short = ["-t", "200ms", "-i", "100ms", "--rounds", "5"]

    @Test("one JSON object with every round of every transport, as the schema has it", arguments: [[], ["--bidir"]])
    func json(direction: [String]) async throws {
        try await withServer { server in
            let client = try await server.comparison(Self.short + direction + ["--json"])
            #expect(client.status == 0, "\(client.errors)")
            try await expectValid(client.output, schema: "comparison")
            let comparison = try Comparison(client)
            let rounds = try #require(comparison.rounds)
            #expect(rounds.map(\.number) == [1, 2, 3, 4, 5])
            for round in rounds {
                #expect(Set(round.tests.compactMap(\.test?.transport)) == ["quic", "tls", "tcp"])
                #expect(round.tests.allSatisfy { $0.error == nil && ($0.summary?.totals?.throughputBps ?? 0) > 0 })
            }
            let orders = rounds.map { $0.tests.compactMap(\.test?.transport) }
            #expect(Set(orders).count == 5, "each in another order")
            let directions = direction.isEmpty ? 1 : 2
            let figures = try #require(comparison.transports)
            #expect(figures.count == 3 * directions)
            #expect(figures.allSatisfy { $0.throughputBps.count == 5 && $0.medianBps != nil })
            let pairs = try #require(comparison.pairs)
            #expect(pairs.count == 3 * directions)
            for pair in pairs {
                #expect(pair.rounds == 5)
                let ratio = try #require(pair.ratio)
                #expect(try #require(pair.lower) <= ratio && ratio <= (try #require(pair.upper)))
            }
            #expect(["rounds", "precision"].contains(comparison.end))
        }
    }

    @Test("text that fits a terminal, and CSV with a line for each test")
    func text() async throws {
        try await withServer { server in
            let client = try await server.comparison(Self.short + ["--transports", "tls,tcp"])
            #expect(client.status == 0, "\(client.errors)")
            let lines = client.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(
                lines.first?.hasPrefix("qrate 0.1.0   TLS and TCP compared, upload, 127.0.0.1:\(server.port)") == true)
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(client.output)")
            for label in ["     1 ", "     5 ", "median", "lowest", "highest", "handshake"] {
                #expect(client.output.contains(label), "\(label): \(client.output)")
            }
            let csv = try await server.comparison(Self.short + ["--transports", "tls,tcp", "--csv"])
            #expect(csv.status == 0)
            let rows = csv.output.split(separator: "\r\n")
            #expect(rows.count == 11)
            #expect(
                rows.first == "round,transport,direction,throughput_bps,bytes_received,duration_ms,handshake_ms,error")
        }
    }

    @Test("Ctrl-C yields the verdict on the rounds that are complete", arguments: [["--json"], []])
    func interrupted(format: [String]) async throws {
        try await withServer { server in
            let arguments = ["--transports", "tls,tcp", "-t", "200ms", "--rounds", "1000", "--precision", "0.1%"]
            let client = try await QrateProgram.with(
                ["compare", "127.0.0.1", "-p", "\(server.port)"] + arguments + format, state: server.clientState
            ) { client in
                // Two whole rounds.
                try await server.events("test_finished", count: 4)
                client.send(SIGINT)
                return try await client.outcome()
            }
            client.expectFailure(130, saying: "interrupted")
            guard !format.isEmpty else {
                #expect(client.output.contains("partial result: the comparison was interrupted"))
                #expect(client.output.contains("TLS"))
                return
            }
            try await expectValid(client.output, schema: "comparison")
            let comparison = try Comparison(client)
            #expect(comparison.error?.kind == "interrupted" && comparison.end == "interrupted")
            #expect(try #require(comparison.pairs?.first).rounds >= 1)
            #expect(comparison.pairs?.first?.ratio != nil)
        }
    }

    @Test("no server: every transport is asked once, and the reason is the first one's")
    func noServer() async throws {
        let port = try SilentPort(.closed)
        let client = try await QrateProgram.run(["compare", "127.0.0.1", "-p", "\(port.number)", "--json"])
        client.expectFailure(69, saying: "nothing listens on UDP")
        try await expectValid(client.output, schema: "comparison")
        #expect(try Comparison(client).rounds?.first?.tests.count == 3)
        let text = try await QrateProgram.run(["compare", "127.0.0.1", "-p", "\(port.number)"])
        text.expectFailure(69)
        #expect(text.output == "")
    }

    @Test(
        "arguments that can't be run are refused, in JSON too",
        arguments: [
            (["--transports", "quic"], "two transports"), (["--tcp"], "--transports"), (["--nonsense"], "--help"),
            (["--json", "--csv"], "exclude each other"),
        ])
    func usage(arguments: [String], words: String) async throws {
        let client = try await QrateProgram.run(["compare", "127.0.0.1", "--json"] + arguments)
        client.expectFailure(64, saying: words)
        try await expectValid(client.output, schema: "comparison")
    }

    @Test("over 100 Mbit/s and 40 ms without loss QUIC and TCP tie, once they are warm", .needsEmulatedPath)
    func tie() async throws {
        try await withPath(try PathSettings(arguments: ["--both", "delay=20ms,rate=100M"])) { path in
            try await withServer(over: path) { server in
                let client = try await server.comparison([
                    "--transports", "quic,tcp", "-t", "1", "-O", "1", "--rounds", "5", "--json",
                ])
                #expect(client.status == 0, "\(client.errors)")
                let pair = try #require(try Comparison(client).pairs?.first)
                let ratio = try #require(pair.ratio)
                #expect(
                    ["alike", "undecided"].contains(pair.verdict) || 0.95...1.05 ~= ratio, "\(pair.sentence)")
            }
        }
    }

    @Test(
        "with QUIC's window capped, QUIC carries what the window allows, and the verdict says why", .needsEmulatedPath)
    func cappedWindow() async throws {
        try await withPath(try PathSettings(arguments: ["--both", "delay=20ms,rate=100M"])) { path in
            try await withServer(over: path) { server in
                // Against UDP, which has no window: TCP's buffers would be capped as well.
                let client = try await server.comparison([
                    "--transports", "quic,udp", "-t", "500ms", "-O", "500ms", "-b", "50M", "-w", "64K", "--rounds", "5",
                    "--json",
                ])
                #expect(client.status == 0, "\(client.errors)")
                let comparison = try Comparison(client)
                let pair = try #require(comparison.pairs?.first)
                #expect(pair.verdict == "less", "\(pair.sentence)")
                #expect(!pair.sentence.contains("faster"), "datagrams that nobody repeats aren't like for like")
                // A window of 64 KiB in each round trip of 40 ms is 13.1 Mbit/s.
                let quic = try #require(comparison.transports?.first { $0.transport == "quic" })
                #expect(try #require(quic.medianBps) < 14_000_000)
                #expect(quic.limitedBy == "flow_control")
                #expect(pair.sentence.contains("QUIC was limited by "), "\(pair.sentence)")
            }
        }
    }
}
