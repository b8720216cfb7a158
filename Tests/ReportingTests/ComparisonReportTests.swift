import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("reports of comparisons") struct ComparisonReportTests {
    private func text(_ report: ComparisonReport) -> String {
        let text = ComparisonText(report.parameters)
        return text.header(report) + text.heading + report.rounds.map(text.row).joined() + text.summary(report)
            + text.notes(report)
    }

    @Test("text reads as recorded, in no more than 80 columns", arguments: SampleComparisons.all.map(\.name))
    func text(name: String) throws {
        let text = text(try SampleComparisons.named(name))
        try Golden.expect(text, equals: name + ".txt")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(!text.contains("\u{1B}"))
    }

    @Test("JSON reads as recorded, and as the schema has it", arguments: SampleComparisons.all.map(\.name))
    func json(name: String) async throws {
        let document = try ComparisonJSON(build: "release").document(try SampleComparisons.named(name))
        try Golden.expect(document, equals: name + ".json")
        try await expectValid(name + ".json", schema: "comparison")
    }

    @Test("CSV reads as recorded", arguments: SampleComparisons.all.map(\.name))
    func csv(name: String) throws {
        let document = ComparisonCSV.document(try SampleComparisons.named(name))
        try Golden.expect(document, equals: name + ".csv")
        let cells = document.split(separator: "\r\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(Set(cells.map(\.count)) == [8])
    }

    @Test("a failure before the comparison is one object, as the schema has it")
    func failure() async throws {
        let document = ComparisonJSON.failure(TestFailure(.usage, "Name two transports at least."), build: "release")
        try Golden.expect(document, equals: "comparison-usage.json")
        try await expectValid("comparison-usage.json", schema: "comparison")
    }

    @Test("an interval's end is never rounded to nothing, which the schema has no room for")
    func tiny() throws {
        var report = SampleComparisons.three
        report.pairs = [SampleComparisons.pair(.quic, .tcp, 1, 3.21987e-9, 3.1e8, .undecided)]
        let document = try ComparisonJSON().document(report)
        #expect(document.contains("\"lower\" : 3.2199e-09"), "\(document.suffix(1500))")
        #expect(document.contains("\"upper\" : 310000000"))
    }
}

@Suite("a comparison's verdict in words") struct ComparisonVerdictTests {
    /// Without figures, so that nothing is known of what limited whom.
    private let report = ComparisonReport(id: "", startedAt: 0, parameters: ComparisonParameters())

    private func sentence(
        _ verdict: TransportPair.Verdict, _ ratio: Double, _ lower: Double, _ upper: Double,
        _ differences: [ComparabilityDifference] = []
    ) -> String {
        ComparisonVerdict(
            SampleComparisons.pair(.quic, .tls, ratio, lower, upper, verdict, differences), report
        ).sentence
    }

    @Test("who is faster is said where nothing but the transport differed")
    func faster() {
        #expect(sentence(.less, 0.83, 0.79, 0.87) == "QUIC carries 0.83 of TLS (0.79–0.87): TLS is faster.")
        #expect(sentence(.more, 1.5, 1.2, 1.8) == "QUIC carries 1.50 of TLS (1.20–1.80): QUIC is faster.")
    }

    @Test(
        "where a condition differed, it is named and nobody is called faster",
        arguments: ComparabilityDifference.Field.allCases)
    func different(field: ComparabilityDifference.Field) {
        let difference = ComparabilityDifference(field, "this", "that")
        for verdict in TransportPair.Verdict.allCases {
            let sentence = sentence(verdict, 1.5, 1.2, 1.8, [difference])
            #expect(!sentence.contains("faster"))
            #expect(sentence.contains(" Not like for like: "))
            #expect(sentence.contains("this against that"))
        }
    }

    @Test("no difference, and too little to say any")
    func others() {
        #expect(sentence(.alike, 1.01, 0.99, 1.03) == "QUIC and TLS carry the same: 1.01 (0.99–1.03).")
        #expect(
            sentence(.undecided, 0.9, 0.7, 1.2) == "QUIC and TLS: no significant difference, 0.90 (0.70–1.20).")
        #expect(
            ComparisonVerdict(TransportPair(.quic, .tls, .upload), report).sentence
                == "QUIC and TLS have no round in common.")
        var single = TransportPair(.quic, .tls, .download)
        single.ratio = 0.5
        #expect(
            ComparisonVerdict(single, SampleComparisons.bidirectional).sentence
                == "download: QUIC carried 0.50 of TLS in the only round: that says nothing about the next.")
    }

    @Test("what limited the slower one is said, where it is known")
    func limit() {
        var limited = report
        limited.figures = [TransportFigures(.quic, .upload), TransportFigures(.tls, .upload)]
        limited.figures[0].limit = .flowControl
        limited.figures[1].limit = .senderCPU
        func sentence(_ verdict: TransportPair.Verdict) -> String {
            ComparisonVerdict(SampleComparisons.pair(.quic, .tls, 0.5, 0.4, 0.6, verdict), limited).sentence
        }
        #expect(sentence(.less).contains(" QUIC was limited by "))
        #expect(sentence(.more).contains(" TLS was limited by "))
        #expect(!sentence(.undecided).contains("limited"))
    }

    @Test("a peer's words can't write to the terminal")
    func hostile() {
        let sentence = sentence(
            .less, 0.5, 0.4, 0.6,
            [ComparabilityDifference(.congestionController, "\u{1B}[2Jbbr", String(repeating: "x", count: 500))])
        #expect(!sentence.contains("\u{1B}"))
        #expect(sentence.count < 200)
    }
}
