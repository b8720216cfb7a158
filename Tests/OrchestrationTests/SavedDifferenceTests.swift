import QrateMeasurement
import Testing

@testable import QrateOrchestration

@Suite("one saved measurement against another") struct SavedDifferenceTests {
    private func series(
        _ megabits: [Double], _ transport: TransportKind = .quic, _ direction: Direction = .upload,
        _ conditions: [SavedCondition] = []
    ) -> SavedSeries {
        SavedSeries(
            transport, direction, throughput: megabits.map { Bitrate(bitsPerSecond: UInt64($0 * 1e6)) },
            conditions: conditions)
    }

    private func report(_ before: [SavedSeries], _ after: [SavedSeries], threshold: Double? = nil) throws -> DiffReport
    {
        try SavedDifference.report(
            SavedMeasurement(name: "before.json", series: before), SavedMeasurement(name: "after.json", series: after),
            threshold: threshold)
    }

    private func row(_ before: [Double], _ after: [Double], threshold: Double? = nil) throws -> DiffRow {
        try #require(try report([series(before)], [series(after)], threshold: threshold).rows.first)
    }

    @Test(
        "single results differ when they do by more than the threshold, either way equally far",
        arguments: [
            (100, nil, .none), (91, nil, .none), (89, nil, .regression), (110, nil, .none), (112, nil, .improvement),
            (96, 0.03, .regression), (98, 0.03, .none), (60, 0.5, .none), (99.9, 0, .regression), (100, 0, .none),
        ] as [(Double, Double?, DiffRow.Verdict)])
    func single(after: Double, threshold: Double?, verdict: DiffRow.Verdict) throws {
        let row = try row([100], [after], threshold: threshold)
        #expect(row.verdict == verdict)
        #expect(row.interval == nil)
        #expect(row.threshold == threshold ?? 0.1)
        #expect(abs(try #require(row.ratio) - after / 100) < 1e-9)
    }

    @Test("rounds tell chance from change: what is steady needs no threshold, what scatters is no difference")
    func rounds() throws {
        let steady = try row([100, 101, 99, 100, 100], [97, 96, 97, 98, 97])
        #expect(steady.verdict == .regression)
        #expect(try #require(steady.interval).upper < 1)
        #expect(steady.threshold == 0)
        #expect(steady.before.tests == 5 && steady.before.throughput == Bitrate(bitsPerSecond: 99_998_000))
        let back = try row([97, 96, 97, 98, 97], [100, 101, 99, 100, 100])
        #expect(back.verdict == .improvement)
        let scattered = try row([100, 160, 60, 120, 90], [80, 130, 50, 90, 70])
        #expect(scattered.verdict == .none)
        #expect(try #require(scattered.ratio) < 0.9)
    }

    @Test("with a threshold, a change that is sure and small doesn't count")
    func small() throws {
        let before = [100.0, 101, 99, 100, 100], after = [97.0, 96, 97, 98, 97]
        #expect(try row(before, after, threshold: 0.05).verdict == .small)
        #expect(try row(before, after, threshold: 0.02).verdict == .regression)
        #expect(try row(before, before, threshold: 0.05).verdict == .none)
    }

    @Test("one that carries nothing any more is a regression; one that never did is nothing")
    func nothing() throws {
        let report = try report(
            [series([100, 100]), series([], .tcp), series([], .udp)],
            [series([]), series([50, 50], .tcp), series([], .udp)])
        #expect(report.rows.map(\.verdict) == [.regression, .improvement, .unknown])
        #expect(report.rows.allSatisfy { $0.ratio == nil && $0.interval == nil })
        #expect(report.isRegression)
    }

    private func refusal(_ before: [SavedSeries], _ after: [SavedSeries]) throws -> TestFailure {
        try #require(throws: TestFailure.self) { try report(before, after) }
    }

    @Test("other transports or directions are another test")
    func unlike() throws {
        let failure = try refusal(
            [series([1]), series([1], .tcp)], [series([1], .quic, .download), series([1], .quic, .upload)])
        #expect(failure.kind == .badInput)
        #expect(
            failure.message
                == "before.json and after.json are not the same test: they differ in transport (quic,tcp against quic), "
                + "direction (upload against bidirectional)")
    }

    @Test("the order of the transports is nothing")
    func order() throws {
        let report = try report([series([1]), series([1], .tcp)], [series([1], .tcp), series([1])])
        #expect(report.rows.map(\.transport) == [.quic, .tcp])
    }

    @Test("what was asked for must be the same, and the field is named")
    func asked() throws {
        let one = [SavedCondition("test.streams", .number(1), .asked), SavedCondition("test.x", .number(0.5), .asked)]
        let four = [SavedCondition("test.streams", .number(4), .asked)]
        let failure = try refusal([series([1], .quic, .upload, one)], [series([1], .quic, .upload, four)])
        #expect(failure.message.hasSuffix("they differ in test.streams (1 against 4), test.x (0.500 against none)"))
    }

    @Test("many differences are counted")
    func many() throws {
        let fields = (1...9).map { SavedCondition("test.f\($0)", .number(1), .asked) }
        let failure = try refusal([series([1], .quic, .upload, fields)], [series([1])])
        #expect(failure.message.hasSuffix("test.f4 (1 against none) and 5 more"))
    }

    @Test("what was in effect must be the same where both say it; packets may differ by a tenth")
    func inEffect() throws {
        func with(_ value: SavedCondition.Value?) -> [SavedSeries] {
            let condition = value.map { [SavedCondition("test.settings.client.x", $0, .decisive)] }
            return [series([1], .quic, .upload, condition ?? [])]
        }
        #expect(throws: TestFailure.self) { try report(with(.text("cubic")), with(.text("bbr"))) }
        #expect(throws: TestFailure.self) { try report(with(.packetSize(1444)), with(.packetSize(1312))) }
        #expect(try report(with(.packetSize(1444)), with(.packetSize(1313))).changes == [])
        #expect(try report(with(.text("cubic")), with(nil)).changes == [])
    }

    @Test("what else changed is noted, once")
    func noted() throws {
        func with(_ library: String?) -> [SavedSeries] {
            let condition = library.map { [SavedCondition("test.settings.client.aead", .text($0), .noted)] }
            return [Direction.upload, .download].map { series([1], .quic, $0, condition ?? []) }
        }
        #expect(
            try report(with("libipsec-mb"), with("gnutls")).changes
                == [DiffChange("test.settings.client.aead", .text("libipsec-mb"), .text("gnutls"))])
        #expect(
            try report(with(nil), with("gnutls")).changes
                == [DiffChange("test.settings.client.aead", nil, .text("gnutls"))])
        #expect(try report(with("gnutls"), with("gnutls")).changes == [])
    }
}
