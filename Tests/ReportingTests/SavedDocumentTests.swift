import FoundationEssentials
import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("reading saved documents") struct SavedDocumentTests {
    private func read(_ text: String) throws -> SavedMeasurement {
        try SavedDocument.read(Array(text.utf8), name: "a.json")
    }

    /// Why it can't be read.
    private func refusal(_ text: String) -> String? {
        do {
            _ = try SavedDocument.read(Array(text.utf8), name: "a.json")
            return nil
        } catch {
            #expect(error.kind == .badInput)
            return error.message
        }
    }

    private func value(_ series: SavedSeries?, _ field: String) -> SavedCondition.Value? {
        series?.condition(field)?.value
    }

    @Test("a result gives its throughput, what was asked for, and what was in effect")
    func result() throws {
        let report = SampleReports.upload
        let saved = try read(try JSONReporter().document(report))
        #expect(saved.id == report.id)
        #expect(saved.startedAt == "2026-11-20T23:18:19.500Z")
        #expect(saved.client == "qrate/0.1.0" && saved.server == "qrate/0.1.0")
        #expect(saved.series.count == 1)
        let series = try #require(saved.series.first)
        #expect(series.transport == .quic && series.direction == .upload)
        let throughput = try #require(report.upload?.throughput)
        #expect(series.throughput == [throughput])
        #expect(value(series, "test.streams") == .number(1))
        #expect(value(series, "test.duration_ms") == .number(3000))
        #expect(value(series, "test.payload") == .text("random"))
        #expect(value(series, "test.target_bitrate_bps") == nil)
        #expect(value(series, "security.cipher") == .text("AES-128-GCM"))
        #expect(series.condition("test.settings.client.congestion")?.weight == .decisive)
        #expect(value(series, "test.settings.client.max_udp_payload_bytes") == .packetSize(1444))
        #expect(value(series, "test.settings.server.max_udp_payload_bytes") == nil, "the receiver's say nothing")
        #expect(series.condition("test.settings.server.receive_offload")?.weight == .noted)
    }

    @Test("each direction of a bidirectional result has its own sender")
    func bidirectional() throws {
        let saved = try read(try JSONReporter().document(SampleReports.bidirectional))
        #expect(saved.series.map(\.direction) == [.upload, .download])
        #expect(value(saved.series.first, "test.settings.client.congestion") == .text("cubic"))
        #expect(value(saved.series.last, "test.settings.server.congestion") == .text("bbr"))
        #expect(value(saved.series.first, "test.settings.server.congestion") == nil)
    }

    @Test(
        "every recorded result that went to its end can be read, and is the same test as itself",
        arguments: SampleReports.all.map(\.name))
    func recorded(name: String) throws {
        let report = try SampleReports.named(name)
        let document = try JSONReporter().document(report)
        let directions: [Direction] = [.upload, .download]
        let hasRate = directions.contains { report.summary($0)?.throughput != nil }
        guard report.failure == nil, hasRate, !report.parameters.settings.probesPathMTU else {
            #expect(refusal(document)?.hasPrefix("a.json ") == true)
            return
        }
        let saved = try read(document)
        #expect(saved.series.allSatisfy { $0.throughput.count == 1 && !$0.conditions.isEmpty })
    }

    @Test("a comparison gives each transport's rounds, without those that failed")
    func comparison() throws {
        let saved = try read(try ComparisonJSON().document(SampleComparisons.three))
        #expect(saved.series.map(\.transport) == [.quic, .tls, .tcp])
        #expect(saved.series.first?.throughput.map(\.bitsPerSecond) == [512_000_000, 498_000_000])
        let blocked = try read(try ComparisonJSON().document(SampleComparisons.blocked))
        #expect(blocked.series.map(\.throughput.count) == [0, 2])
        #expect(value(blocked.series.first, "test.duration_ms") == .number(3000))
        let both = try read(try ComparisonJSON().document(SampleComparisons.bidirectional))
        #expect(both.series.map(\.direction) == [.upload, .download, .upload, .download])
    }

    @Test("a failure instead of a measurement says which")
    func failures() throws {
        #expect(refusal(JSONReporter.failure(TestFailure(.usage, "why")))?.hasSuffix("its end: why") == true)
        #expect(refusal(ComparisonJSON.failure(TestFailure(.usage, "why")))?.hasSuffix("its end: why") == true)
        var report = SampleComparisons.blocked
        for index in report.rounds.indices { report.rounds[index].tests.removeAll { $0.failure == nil } }
        report.rounds.removeLast()
        #expect(refusal(try ComparisonJSON().document(report)) == "a.json holds no test that came to its end")
    }

    @Test(
        "what is no document of ours says what it is, or where it goes wrong",
        arguments: [
            ("", "no JSON document"), ("{", "no JSON document"), ("[]", "another type"), ("{}", "has no schema"),
            ("null", "null"), (#"{"schema":7}"#, #""schema" is of another type"#),
            (#"{"schema":"qrate.handshakes/1"}"#, #"schema "qrate.handshakes/1""#),
            (#"{"schema":"qrate.result/1"}"#, #""test" is missing"#),
            (#"{"schema":"qrate.result/1","test":{"transport":"sctp"}}"#, #""test.transport": "sctp" is not known"#),
            (#"{"schema":"qrate.result/1","test":{"transport":"tcp"}}"#, #""test.direction" is missing"#),
            (#"{"schema":"qrate.comparison/1"}"#, "missing"),
            (
                #"{"schema":"qrate.comparison/1","rounds":[],"comparison":{"direction":"upload","transports":["x"]}}"#,
                #""x" is not known"#
            ),
            (
                #"{"schema":"qrate.comparison/1","rounds":[{"tests":[{"summary":{"upload":{"throughput_bps":-1}}}]}]}"#,
                "no JSON document that can be read"
            ),
            (
                #"{"schema":"qrate.comparison/1","rounds":[{"tests":[{"summary":{"upload":{"throughput_bps":1e99}}}]}]}"#,
                "no JSON document that can be read"
            ),
            ("{\"schema\":\"\\u001b[2J\"}", "schema"),
        ])
    func damaged(text: String, words: String) throws {
        let message = try #require(refusal(text))
        #expect(message.contains(words), "\(message)")
        #expect(!message.contains("\u{1B}"))
        #expect(message.hasPrefix("a.json"))
    }

    @Test("objects in objects without end are refused, and don't end the process", arguments: ["[", "{\"a\":"])
    func deep(opening: String) {
        let text = #"{"schema":"qrate.result/1","test":"# + String(repeating: opening, count: 100_000)
        #expect(refusal(text)?.contains("no JSON document") == true)
    }

    @Test("whatever byte of a document is another one, it is read or refused")
    func changedBytes() throws {
        var report = SampleReports.upload
        report.intervals = []
        let document = Array(try JSONReporter().document(report).utf8)
        var generator = SystemRandomNumberGenerator()
        for index in stride(from: Int.random(in: 0..<7, using: &generator), to: document.count, by: 7) {
            var damaged = document
            damaged[index] = UInt8.random(in: 0...255, using: &generator)
            _ = try? SavedDocument.read(damaged, name: "a.json")
        }
    }
}
