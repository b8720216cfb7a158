import QrateMeasurement

/// What the senders' time went to, over all rounds.
struct LimitsSection {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var section: PageSection? {
        let tables = report.parameters.directions.compactMap(table)
        guard !tables.isEmpty else { return nil }
        return PageSection(
            id: "limits", title: "Where the time went",
            content: [
                .element(
                    "p", ["class": "soft"], "What kept the sender from sending more, and for how much of the time.")
            ] + tables)
    }

    private func table(_ direction: Direction) -> Markup? {
        let transports = report.parameters.transports.map { shares($0, direction) }
        let rows = LimitCause.allCases.compactMap { cause -> [PageTable.Cell]? in
            let shares = transports.map { $0?.share(of: cause) }
            // What nobody met needs no line.
            guard shares.contains(where: { ($0 ?? 0) > 0 }) else { return nil }
            let name = PageTable.Cell(text: Self.words(cause), isHeading: true)
            return [name] + shares.map { PageTable.Cell(text: Figure.share($0)) }
        }
        guard !rows.isEmpty else { return nil }
        return PageTable(
            caption: "Share of the time" + (report.parameters.isBidirectional ? ", \(direction.rawValue)" : ""),
            columns: [PageTable.Column(title: "held up by", isFigure: false)]
                + report.parameters.transports.map { PageTable.Column(title: $0.displayName) }, groups: [rows]
        ).markup
    }

    /// Of those of its rounds that tell; nil where none does.
    private func shares(_ transport: TransportKind, _ direction: Direction) -> LimitShares? {
        let rounds = report.rounds.compactMap { round -> LimitShares? in
            guard let test = round.test(transport), test.failure == nil else { return nil }
            return test.path(direction)?.limits
        }
        return LimitShares.mean(rounds)
    }

    private static func words(_ cause: LimitCause) -> String {
        switch cause {
        case .congestionWindow: "the congestion window"
        case .pacing: "pacing"
        case .flowControl: "the receiver's window"
        case .targetBitrate: "the target rate (-b)"
        case .application: "this program"
        case .socketBuffer: "the socket's buffer"
        case .cpu: "the processor"
        case .idle: "nothing to send"
        }
    }
}
