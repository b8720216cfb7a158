import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("reports of diffs") struct DiffReportTests {
    private static func row(
        _ transport: TransportKind, _ before: UInt64?, _ after: UInt64?, direction: Direction = .upload,
        tests: Int = 5, interval: RatioInterval? = nil, threshold: Double = 0, _ verdict: DiffRow.Verdict
    ) -> DiffRow {
        func figure(_ megabits: UInt64?) -> DiffRow.Figure {
            DiffRow.Figure(
                tests: megabits == nil ? 0 : tests, throughput: megabits.map { Bitrate(bitsPerSecond: $0 * 1_000_000) })
        }
        var row = DiffRow(
            transport, direction, before: figure(before), after: figure(after), threshold: threshold, verdict: verdict)
        if let before, let after { row.ratio = Double(after) / Double(before) }
        row.interval = interval
        return row
    }

    private static func base(rounds: Int) -> DiffReport {
        let series = [
            SavedSeries(.quic, .upload, throughput: Array(repeating: Bitrate(bitsPerSecond: 1), count: rounds))
        ]
        return DiffReport(
            before: SavedMeasurement(
                name: "before.json", id: "5b0f", startedAt: "2026-11-20T08:00:00.000Z", client: "qrate/0.1.0",
                server: "qrate/0.1.0", series: series),
            after: SavedMeasurement(name: "/var/tmp/after.json", series: series))
    }

    static let all: [(name: String, report: DiffReport)] = [
        ("diff-rounds", rounds), ("diff-single", single), ("diff-bidirectional", bidirectional),
    ]

    private static var rounds: DiffReport {
        var report = base(rounds: 5)
        report.threshold = 0.02
        report.rows = [
            row(.quic, 512, 430, interval: RatioInterval(lower: 0.79, upper: 0.89), threshold: 0.02, .regression),
            row(.tls, 600, 595, interval: RatioInterval(lower: 0.985, upper: 0.998), threshold: 0.02, .small),
            row(.tcp, 600, nil, threshold: 0.02, .regression), row(.udp, nil, nil, threshold: 0.02, .unknown),
        ]
        report.changes = [
            DiffChange("test.settings.server.aead", .text("libipsec-mb"), .text("gnutls")),
            DiffChange("test.settings.server.endpoint_threads", nil, .number(2)),
        ]
        return report
    }

    private static var single: DiffReport {
        var report = base(rounds: 1)
        report.rows = [row(.quic, 512, 530, tests: 1, threshold: 0.1, .none)]
        return report
    }

    private static var bidirectional: DiffReport {
        var report = base(rounds: 1)
        report.rows = [
            row(.quic, 51_200, 61_200, tests: 1, threshold: 0.1, .improvement),
            row(.quic, 512, 400, direction: .download, tests: 1, threshold: 0.1, .regression),
        ]
        return report
    }

    private func named(_ name: String) throws -> DiffReport {
        try #require(Self.all.first { $0.name == name }).report
    }

    @Test("text reads as recorded, in no more than 80 columns", arguments: DiffReportTests.all.map(\.name))
    func text(name: String) throws {
        let text = DiffText.document(try named(name))
        try Golden.expect(text, equals: name + ".txt")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test("JSON reads as recorded, and as the schema has it", arguments: DiffReportTests.all.map(\.name))
    func json(name: String) async throws {
        try Golden.expect(try DiffJSON(build: "release").document(try named(name)), equals: name + ".json")
        try await expectValid(name + ".json", schema: "diff")
    }

    @Test("a failure is one object, as the schema has it")
    func failure() async throws {
        try Golden.expect(
            DiffJSON.failure(TestFailure(.badInput, "a.json: no"), build: "release"), equals: "diff-failure.json")
        try await expectValid("diff-failure.json", schema: "diff")
    }
}
