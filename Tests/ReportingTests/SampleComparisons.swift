import QrateMeasurement

/// The comparisons behind the golden files.
enum SampleComparisons {
    static let all: [(name: String, report: ComparisonReport)] = [
        ("comparison", three), ("comparison-bidirectional", bidirectional), ("comparison-blocked", blocked),
        ("comparison-interrupted", interrupted),
    ]

    static func named(_ name: String) throws -> ComparisonReport {
        struct NoSuchReport: Error { var name: String }
        guard let sample = all.first(where: { $0.name == name }) else { throw NoSuchReport(name: name) }
        return sample.report
    }

    /// QUIC less than the others, which can't be told apart; TCP with another controller.
    static var three: ComparisonReport {
        var report = base(ComparisonParameters())
        report.rounds = [
            round(1, [(.quic, 512), (.tls, 610), (.tcp, 622)]), round(2, [(.tcp, 640), (.tls, 601), (.quic, 498)]),
        ]
        report.figures = [
            figures(.quic, [512, 498], handshake: 43), figures(.tls, [610, 601], handshake: 64),
            figures(.tcp, [622, 640], handshake: 21),
        ]
        report.pairs = [
            pair(.quic, .tls, 0.834, 0.79, 0.88, .less),
            pair(.quic, .tcp, 0.8, 0.72, 0.89, .less, [ComparabilityDifference(.congestionController, "cubic", "bbr")]),
            pair(.tls, .tcp, 0.96, 0.9, 1.02, .undecided),
        ]
        report.end = .rounds
        report.warnings = [TestWarning(code: "loopback", message: "Both ends are on this machine.")]
        return report
    }

    static var bidirectional: ComparisonReport {
        var report = base(
            ComparisonParameters(
                transports: [.quic, .udp],
                test: TestParameters(direction: .bidirectional, streams: 4, limit: .bytes(1_048_576)), rounds: 5,
                budget: .seconds(60)))
        report.rounds = [round(1, [(.quic, 512), (.udp, 510)], download: 300)]
        report.figures = [
            figures(.quic, [512]), figures(.quic, [300], .download), figures(.udp, [510]),
            figures(.udp, [300], .download),
        ]
        var alike = pair(.quic, .udp, 1.004, 0.99, 1.02, .alike)
        alike.differences = [ComparabilityDifference(.reliability, "streams", "datagrams")]
        var single = TransportPair(.quic, .udp, .download)
        single.rounds = 1
        single.ratio = 1
        report.pairs = [alike, single]
        report.end = .budget
        return report
    }

    /// QUIC doesn't get through.
    static var blocked: ComparisonReport {
        var report = base(ComparisonParameters(transports: [.quic, .tcp], rounds: 5))
        let failure = TestFailure(.unreachable, "no answer on UDP 192.0.2.7:5201 within 10 s\u{1B}[2J")
        report.rounds = [round(1, [(.tcp, 622)]), round(2, [(.tcp, 640)])]
        var failed = SampleReports.base(TestParameters(limit: .duration(.seconds(3))))
        failed.server = nil
        failed.failure = failure
        report.rounds[0].tests.insert(failed, at: 0)
        var quic = TransportFigures(.quic, .upload)
        quic.throughput = [nil, nil]
        quic.failures = [failure]
        report.figures = [quic, figures(.tcp, [622, 640])]
        report.pairs = [TransportPair(.quic, .tcp, .upload)]
        report.end = .precision
        return report
    }

    static var interrupted: ComparisonReport {
        var report = three
        report.rounds.removeLast()
        report.rounds.append(round(2, [(.tcp, 640)]))
        report.figures = [figures(.quic, [512, nil]), figures(.tls, [610, nil]), figures(.tcp, [622, 640])]
        report.pairs = report.pairs.map { pair in
            var pair = TransportPair(pair.transport, pair.other, .upload)
            pair.rounds = 1
            pair.ratio = 0.8
            return pair
        }
        report.end = .interrupted
        report.warnings = []
        report.failure = TestFailure(.interrupted, "The comparison was interrupted.")
        return report
    }

    // MARK: - Their parts

    private static func base(_ parameters: ComparisonParameters) -> ComparisonReport {
        ComparisonReport(id: "5b0f", startedAt: 1_795_216_699.5, parameters: parameters)
    }

    private static func round(
        _ number: Int, _ rates: [(TransportKind, Double)], download: UInt64? = nil
    ) -> ComparisonRound {
        ComparisonRound(
            number: number,
            tests: rates.map { transport, megabits in
                var test = SampleReports.base(
                    TestParameters(
                        transport: transport, direction: download == nil ? .upload : .bidirectional,
                        limit: .duration(.seconds(3))))
                if transport == .tcp || transport == .udp { test.security = nil }
                func summary(_ megabits: Double) -> DirectionSummary {
                    DirectionSummary(bytesReceived: ByteCount(UInt64(megabits * 125_000 * 3)), duration: .seconds(3))
                }
                test.upload = summary(megabits)
                test.download = download.map { summary(Double($0)) }
                return test
            })
    }

    private static func figures(
        _ transport: TransportKind, _ megabits: [Double?], _ direction: Direction = .upload, handshake: Int? = nil
    ) -> TransportFigures {
        func rate(_ megabits: Double) -> Bitrate { Bitrate(bitsPerSecond: UInt64(megabits * 1e6)) }
        var figures = TransportFigures(transport, direction)
        let known = megabits.compactMap(\.self).sorted()
        figures.throughput = megabits.map { $0.map(rate) }
        figures.median = rate(known.reduce(0, +) / Double(known.count))  // of two at most
        figures.lowest = known.first.map(rate)
        figures.highest = known.last.map(rate)
        figures.handshake = handshake.map { .milliseconds($0) }
        return figures
    }

    static func pair(
        _ one: TransportKind, _ other: TransportKind, _ ratio: Double, _ lower: Double, _ upper: Double,
        _ verdict: TransportPair.Verdict, _ differences: [ComparabilityDifference] = []
    ) -> TransportPair {
        var pair = TransportPair(one, other, .upload)
        pair.rounds = 5
        pair.ratio = ratio
        pair.interval = RatioInterval(lower: lower, upper: upper)
        pair.verdict = verdict
        pair.differences = differences
        return pair
    }
}
