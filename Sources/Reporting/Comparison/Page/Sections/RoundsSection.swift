import QrateMeasurement

/// Every test of every round, in the order in which they ran.
struct RoundsSection {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var section: PageSection? {
        let rounds = report.rounds.filter { !$0.tests.isEmpty || !$0.together.isEmpty }
        guard !rounds.isEmpty else { return nil }
        let columns = ["throughput", "received", "handshake", "RTT", "least RTT", "lost, resent"]
        let tables = report.parameters.directions.map { direction in
            PageTable(
                caption: "In the order in which they ran"
                    + (report.parameters.isBidirectional ? ", \(direction.rawValue)" : ""),
                columns: [.init(title: "round"), .init(title: "transport", isFigure: false)]
                    + columns.map { PageTable.Column(title: $0) },
                groups: rounds.map { round in
                    let tests = round.tests.map { ($0, "") } + round.together.map { ($0, ", with the others") }
                    return tests.enumerated().map { index, test in
                        let first = PageTable.Cell(text: "\(round.number)", rows: tests.count, isHeading: true)
                        return (index == 0 ? [first] : [])
                            + cells(test.0, suffix: test.1, direction, columns: columns.count)
                    }
                }
            ).markup
        }
        return PageSection(
            id: "rounds", title: "Every round", content: tables + [.element("p", ["class": "soft"], notes)])
    }

    private func cells(
        _ test: TestReport, suffix: String, _ direction: Direction, columns: Int
    ) -> [PageTable.Cell] {
        let transport = test.parameters.transport
        let name = PageTable.Cell(text: transport.displayName + suffix, isHeading: true, style: transport.rawValue)
        if let failure = test.failure {
            let words = "failed: " + PrintableText.clean(failure.message, limit: 300)
            return [name, .init(text: words, columns: columns)]
        }
        let summary = test.summary(direction)
        let (smoothed, least) = roundTrips(test.path(direction)?.metrics)
        return [
            name, .init(text: Figure.rate(summary?.throughput)), .init(text: Figure.bytes(summary?.bytesReceived)),
            .init(text: Figure.latency(test.handshake?.duration)), .init(text: Figure.latency(smoothed)),
            .init(text: Figure.latency(least)), .init(text: lost(test, direction)),
        ]
    }

    private func roundTrips(_ metrics: PathMetrics?) -> (smoothed: Duration?, least: Duration?) {
        switch metrics {
        case .quic(let metrics): (metrics.smoothedRTT, metrics.minRTT)
        case .tcp(let metrics): (metrics.smoothedRTT, metrics.minRTT)
        case .udp, nil: (nil, nil)
        }
    }

    private func lost(_ test: TestReport, _ direction: Direction) -> String {
        if let datagrams = test.summary(direction)?.datagrams {
            return "\(datagrams.lost) (\(Figure.share(datagrams.lossRatio)))"
        }
        return switch test.path(direction)?.metrics {
        case .quic(let metrics): Figure.count(metrics.streamPacketsLost)
        case .tcp(let metrics): Figure.count(metrics.retransmissions)
        case .udp, nil: Figure.absent
        }
    }

    /// What the columns mean for the transports that there are.
    private var notes: String {
        let transports = Set(report.parameters.transports)
        var notes = ["RTT is the sender's smoothed one at the test's end."]
        if transports.contains(.quic) {
            notes.append(
                report.parameters.test.settings.usesDatagrams
                    ? "QUIC: datagrams that did not arrive." : "QUIC: packets whose stream data was declared lost.")
        }
        if !transports.isDisjoint(with: [.tls, .tcp]) { notes.append("TLS, TCP: segments that were sent again.") }
        if transports.contains(.udp) { notes.append("UDP: datagrams that did not arrive.") }
        return notes.joined(separator: " ")
    }
}
