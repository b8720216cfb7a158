import QrateMeasurement

/// What each transport carried, and how they compare: a table and two drawings, per direction.
struct FiguresSection {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var section: PageSection? {
        guard report.example?.server != nil else { return nil }
        return PageSection(
            id: "figures", title: "Figures",
            content: report.parameters.directions.flatMap { direction in
                [table(direction)] + PageFigure.grid([ratios(direction), rounds(direction)])
            })
    }

    private func figures(_ transport: TransportKind, _ direction: Direction) -> TransportFigures? {
        report.figures.first { $0.transport == transport && $0.direction == direction }
    }

    private func suffix(_ direction: Direction) -> String {
        report.parameters.isBidirectional ? ", \(direction.rawValue)" : ""
    }

    // MARK: The table

    private func table(_ direction: Direction) -> Markup {
        let figures = report.parameters.transports.map { self.figures($0, direction) }
        let columns = Self.columns.filter { column in figures.contains { $0.map(column.isKnown) ?? false } }
        let rows = zip(report.parameters.transports, figures).map { transport, figures -> [PageTable.Cell] in
            let name = PageTable.Cell(text: transport.displayName, isHeading: true, style: transport.rawValue)
            return [name] + columns.map { PageTable.Cell(text: figures.map($0.text) ?? Figure.absent) }
        }
        let showsCost = columns.contains { $0.title.hasPrefix("CPU") }
        return PageTable(
            caption: "All rounds" + (showsCost ? ", CPU per gigabyte" : "") + suffix(direction),
            columns: [PageTable.Column(title: "transport", isFigure: false)]
                + columns.map { PageTable.Column(title: $0.title) },
            groups: [rows]
        ).markup
    }

    private struct Column: Sendable {
        var title: String
        /// Whether a transport has something to show in it.
        var isKnown: @Sendable (TransportFigures) -> Bool = { _ in true }
        var text: @Sendable (TransportFigures) -> String
    }

    private static let columns: [Column] = [
        Column(title: "median", text: { Figure.rate($0.median) }),
        Column(title: "lowest", text: { Figure.rate($0.lowest) }),
        Column(title: "highest", text: { Figure.rate($0.highest) }),
        // Worth a column where not all rounds have a figure.
        Column(title: "rounds", isKnown: { $0.throughput.contains(nil) }) { figures in
            "\(figures.throughput.count { $0 != nil }) of \(figures.throughput.count)"
        },
        Column(title: "lost", isKnown: { $0.lossRatio != nil }) { Figure.share($0.lossRatio) },
        Column(title: "latency", isKnown: { $0.latencyIncrease != nil }) {
            LatencyText.signed($0.latencyIncrease)
        },
        Column(title: "CPU here", isKnown: { $0.clientCPU != nil }) { Figure.cost($0.clientCPU) },
        Column(title: "CPU there", isKnown: { $0.serverCPU != nil }) { Figure.cost($0.serverCPU) },
    ]

    // MARK: The drawings

    private func ratios(_ direction: Direction) -> Markup? {
        let pairs = report.pairs.filter { $0.direction == direction }
        let rows = pairs.compactMap { pair -> RatioChart.Row? in
            guard let ratio = pair.ratio, let interval = pair.interval else { return nil }
            return RatioChart.Row(
                name: "\(pair.transport.displayName) of \(pair.other.displayName)", ratio: ratio, interval: interval)
        }
        guard !rows.isEmpty else { return nil }
        return PageFigure.figure(
            "What one carries of the other" + suffix(direction),
            words:
                "The mean ratio of the rounds, and where it lies with 95 % confidence. Inside the band they count as alike.",
            RatioChart(rows: rows, precision: report.parameters.precision).markup)
    }

    private func rounds(_ direction: Direction) -> Markup? {
        PageFigure.rounds(report, "Throughput, round by round" + suffix(direction), .bitrate) { transport in
            figures(transport, direction)?.throughput.compactMap { $0.map { Double($0.bitsPerSecond) } } ?? []
        }
    }
}

/// Drawings of a page.
enum PageFigure {
    /// A drawing under its title, and what to know when reading it.
    static func figure(_ title: String, style: String? = nil, words: String? = nil, _ drawing: Markup) -> Markup {
        .element(
            "figure", [:],
            [.element("h3", ["class": style], title), drawing]
                + [words.map { .element("figcaption", [:], $0) }].compactMap(\.self))
    }

    /// Beside each other as far as there is room; nothing when there are none.
    static func grid(_ figures: [Markup?]) -> [Markup] {
        let figures = figures.compactMap(\.self)
        return figures.isEmpty ? [] : [.element("div", ["class": "grid"], figures)]
    }

    /// A figure of every round, per transport; nil where there is none.
    static func rounds(
        _ report: ComparisonReport, _ title: String, _ quantity: ChartAxis.Quantity,
        _ values: (TransportKind) -> [Double]
    ) -> Markup? {
        let rows = report.parameters.transports.map {
            RoundsChart.Row(name: $0.displayName, style: $0.rawValue, values: values($0))
        }
        guard rows.contains(where: { !$0.values.isEmpty }) else { return nil }
        let chart = RoundsChart(title: title, rows: rows, quantity: quantity)
        let words = [
            "Each dot is a round", chart.hasBoxes ? ", each box the middle half of them" : "",
            chart.beginsAtNothing ? "." : ". The axis doesn't begin at 0.",
        ]
        return figure(title, words: words.joined(), chart.markup)
    }
}
