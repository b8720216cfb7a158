package import QrateMeasurement

/// A comparison for people. Each function gives whole, ended lines, in the order in which they are known.
package struct ComparisonText: Sendable {
    private let parameters: ComparisonParameters
    private let table: TextTable

    package init(_ parameters: ComparisonParameters) {
        self.parameters = parameters
        table = TextTable(
            columns: [TextTable.Column(title: "round", width: parameters.isBidirectional ? 13 : 10, alignment: .right)]
                + parameters.transports.map { TextTable.Column(title: $0.displayName, width: 15) })
    }

    /// What is compared, against whom.
    package func header(_ report: ComparisonReport) -> String {
        guard let example = report.example else { return "" }
        let names = Self.list(parameters.transports.map(\.displayName))
        var title = "\(HeaderText.software(example.client))   \(names) compared, \(parameters.test.direction.rawValue)"
        if let server = example.server.flatMap(HeaderText.name) { title += ", \(server)" }
        var lines = [title, plan]
        if let server = example.server {
            let certificate = example.security.map { CertificateText($0) }
            lines.append(
                ["server \(HeaderText.software(server))", certificate?.verdict].compactMap(\.self)
                    .joined(separator: ", "))
            if let line = certificate?.fingerprintLine { lines.append(line) }
        }
        return lines.map(Paragraph.wrap).joined() + "\n"
    }

    /// `1 stream, 3 s a test, 5 to 15 rounds until every ratio is known within 5 %`.
    var plan: String {
        let test = parameters.test
        let streams = test.streams == 1 ? "1 stream" : "\(test.streams) streams"
        let length =
            test.limit.duration?.secondsWithoutZeros ?? test.limit.byteBudget.map { Figure.bytes($0) } ?? Figure.absent
        let rounds =
            parameters.rounds == ComparisonParameters.fewestRounds
            ? "\(parameters.rounds) rounds"
            : "\(ComparisonParameters.fewestRounds) to \(parameters.rounds) rounds until every ratio is known within "
                + Self.percent(parameters.precision)
        let budget = parameters.budget.map { "\($0.secondsWithoutZeros) at most" }
        return [streams, "\(length) a test", rounds, budget].compactMap(\.self).joined(separator: ", ")
    }

    package var heading: String { table.heading + "\n" }

    /// What each transport carried in one round.
    package func row(_ round: ComparisonRound) -> String {
        directions.map { direction in
            let label = parameters.isBidirectional ? "\(round.number) \(Self.short(direction))" : "\(round.number)"
            return table.row(
                [label]
                    + parameters.transports.map { transport in
                        if let rate = round.throughput(transport, direction) { return Figure.rate(rate) }
                        return round.test(transport)?.failure == nil ? Figure.absent : "failed"
                    }) + "\n"
        }.joined()
    }

    /// The middle and the ends of all rounds, then what they say.
    package func summary(_ report: ComparisonReport) -> String {
        var text = ""
        for direction in directions {
            let figures = parameters.transports.map { transport in
                report.figures.first { $0.transport == transport && $0.direction == direction }
            }
            let suffix = parameters.isBidirectional ? " " + Self.short(direction) : ""
            text += line("median" + suffix, figures) { Figure.rate($0.median) }
            text += line("lowest" + suffix, figures) { Figure.rate($0.lowest) }
            text += line("highest" + suffix, figures) { Figure.rate($0.highest) }
            text += line("lost" + suffix, figures) { Figure.share($0.lossRatio) }
            if figures.contains(where: { $0?.latencyIncrease != nil }) {
                text += line("latency" + suffix, figures) {
                    $0.latencyIncrease.map { LatencyText.signed($0) } ?? Figure.absent
                }
            }
        }
        text += costs(report) + handshakes(report)
        let verdicts = report.pairs.map { ComparisonVerdict($0, report).sentence }
        return text + "\n" + (verdicts + remarks(report)).map(Paragraph.wrap).joined()
    }

    /// What is to be said beside the pairs: what the transports say together, how they shared the path, and why there are no
    /// more rounds.
    func remarks(_ report: ComparisonReport) -> [String] {
        doubts(report) + report.sharing.map(sharing) + ending(report)
    }

    /// Processor time for a gigabyte, of both directions where there are two.
    private func costs(_ report: ComparisonReport) -> String {
        let figures = parameters.transports.map { transport in report.figures.first { $0.transport == transport } }
        guard figures.contains(where: { $0?.clientCPU != nil || $0?.serverCPU != nil }) else { return "" }
        return line("CPU here", figures) { Figure.cost($0.clientCPU) }
            + line("CPU there", figures) { Figure.cost($0.serverCPU) }
    }

    /// Cold and resumed where they were measured by themselves, else those that the tests began with.
    private func handshakes(_ report: ComparisonReport) -> String {
        let tests = parameters.transports.map { transport in report.figures.first { $0.transport == transport } }
        guard !report.handshakes.isEmpty else { return line("handshake", tests) { Figure.latency($0.handshake) } }
        func row(_ label: String, _ kind: HandshakeKind) -> String {
            table.row([label] + parameters.transports.map { Figure.latency(report.handshake($0, kind)) }) + "\n"
        }
        return row("handshake", .cold) + row("resumed", .resumed)
    }

    private func line(
        _ label: String, _ figures: [TransportFigures?], _ figure: (TransportFigures) -> String
    ) -> String {
        table.row([label] + figures.map { $0.map(figure) ?? Figure.absent }) + "\n"
    }

    /// `At the same time QUIC got 48 %, TCP 52 % of what the path carried (fairness index 0.99, 5 rounds).`
    private func sharing(_ sharing: PathSharing) -> String {
        let shares = sharing.shares.map { "\($0.transport.displayName) \(fixedPoint($0.share * 100, decimals: 0)) %" }
        let rounds = sharing.rounds == 1 ? "1 round" : "\(sharing.rounds) rounds"
        return (parameters.isBidirectional ? "\(sharing.direction.rawValue): " : "")
            + "Of what all carried at the same time: \(shares.joined(separator: ", ")) (fairness index "
            + "\(fixedPoint(sharing.fairnessIndex, decimals: 2)), \(rounds))."
    }

    /// Why there are no more rounds, where that isn't what was asked for; and who failed.
    private func ending(_ report: ComparisonReport) -> [String] {
        var lines: [String] = []
        for figures in report.figures where figures.direction == directions.first {
            guard let failure = figures.failures.first else { continue }
            let count = figures.failures.count
            lines.append(
                "\(figures.transport.displayName) failed in \(count) \(count == 1 ? "round" : "rounds"): "
                    + PrintableText.clean(failure.message, limit: 300))
        }
        let rounds = report.rounds.count
        switch report.end {
        case .rounds where report.parameters.rounds > ComparisonParameters.fewestRounds:
            lines.append(
                "After \(rounds) rounds (--rounds) the ratios are not all known within "
                    + "\(Self.percent(parameters.precision)).")
        case .budget:
            lines.append("The time (--budget) was used up after \(rounds) \(rounds == 1 ? "round" : "rounds").")
        case .interrupted: lines.append("partial result: the comparison was interrupted")
        case .rounds, .precision, .failed, nil: break
        }
        return lines
    }

    /// What the transports say together about the path is part of the verdict.
    private func doubts(_ report: ComparisonReport) -> [String] {
        report.warnings.filter { Self.verdictCodes.contains($0.code) }.map {
            PrintableText.clean($0.message, limit: 500)
        }
    }

    private static let verdictCodes: Set<String> = ["udp_blocked", "udp_throttled"]

    /// What a reader of the figures should know: no results, so it belongs on another stream.
    package func notes(_ report: ComparisonReport) -> String {
        caveats(report).map { Paragraph.wrap("warning: " + PrintableText.clean($0.message, limit: 500)) }.joined()
    }

    /// The warnings that aren't part of the verdict.
    func caveats(_ report: ComparisonReport) -> [TestWarning] {
        report.warnings.filter { !Self.verdictCodes.contains($0.code) }
    }

    private var directions: [Direction] { parameters.directions }

    private static func short(_ direction: Direction) -> String { direction == .upload ? "up" : "down" }

    static func percent(_ share: Double) -> String {
        let percent = share * 100
        return (percent == percent.rounded() ? fixedPoint(percent, decimals: 0) : fixedPoint(percent, decimals: 1))
            + " %"
    }

    static func list(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " and " + last
    }
}

extension ComparisonReport {
    /// The middle one of a transport's handshakes: of those that were measured by themselves, else of those that its tests
    /// began with, as bare TCP has no other.
    func handshake(_ transport: TransportKind, _ kind: HandshakeKind) -> Duration? {
        if let own = handshakes.first(where: { $0.transport == transport }) { return own.median(kind) }
        return kind == .cold ? figures.first { $0.transport == transport }?.handshake : nil
    }
}

extension ComparisonParameters {
    var isBidirectional: Bool { test.direction == .bidirectional }
    /// Those with figures of their own.
    var directions: [Direction] { isBidirectional ? [.upload, .download] : [test.direction] }
}
