import QrateMeasurement

/// How long it took until data could flow: at the beginning of every test, and where they were measured by themselves, cold
/// and resumed.
struct HandshakesSection {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var section: PageSection? {
        let tests = PageFigure.rounds(report, "At the beginning of the tests", .time) { transport in
            report.rounds.compactMap { $0.test(transport)?.handshake?.duration.seconds }
        }
        let content = PageFigure.grid([tests]) + [table].compactMap(\.self)
        return content.isEmpty ? nil : PageSection(id: "handshakes", title: "Handshakes", content: content)
    }

    private var table: Markup? {
        let groups = report.handshakes.map { handshakes in
            handshakes.phases.enumerated().map { index, phase -> [PageTable.Cell] in
                let transport = handshakes.transport
                let name = PageTable.Cell(
                    text: transport.displayName, rows: handshakes.phases.count, isHeading: true,
                    style: transport.rawValue)
                let cells: [PageTable.Cell] = [
                    .init(text: phase.kind.rawValue), .init(text: Figure.count(phase.completed)),
                    .init(text: Figure.latency(phase.latency?.median)),
                    .init(text: Figure.latency(phase.latency?.percentile90)),
                    .init(text: Figure.latency(phase.latency?.percentile99)),
                ]
                return index == 0 ? [name] + cells : cells
            }
        }
        guard groups.contains(where: { !$0.isEmpty }) else { return nil }
        return PageTable(
            caption: "Measured by themselves, TCP's in those of TLS",
            columns: [
                .init(title: "transport", isFigure: false), .init(title: "kind", isFigure: false),
                .init(title: "number"), .init(title: "median"), .init(title: "90 %"), .init(title: "99 %"),
            ], groups: groups
        ).markup
    }
}
