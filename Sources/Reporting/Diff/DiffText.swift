package import QrateMeasurement

/// A diff for people.
package enum DiffText {
    /// Whole, ended lines of at most 80 columns for ordinary names.
    package static func document(_ report: DiffReport) -> String {
        let directions = Set(report.rows.map(\.direction))
        let both = directions.count > 1
        // One direction for all is said once.
        let title = both ? "" : report.rows.first?.direction.rawValue ?? ""
        let table = TextTable(columns: [
            TextTable.Column(title: title, width: both ? 6 : 8, alignment: .left),
            TextTable.Column(title: "", width: both ? 9 : 1, alignment: .left),
            TextTable.Column(title: "before", width: 13), TextTable.Column(title: "after", width: 13),
            TextTable.Column(title: "ratio", width: 8), TextTable.Column(title: "95 % interval", width: 15),
            TextTable.Column(title: "", width: 15),
        ])
        var text = [line("before", report.before), line("after", report.after)].map(Paragraph.wrap).joined()
        text += "\n" + table.heading + "\n"
        for row in report.rows {
            text +=
                table.row([
                    row.transport.displayName, both ? row.direction.rawValue : "", Figure.rate(row.before.throughput),
                    Figure.rate(row.after.throughput), row.ratio.map(ComparisonVerdict.ratio) ?? Figure.absent,
                    row.interval.map(interval) ?? Figure.absent, word(row.verdict),
                ]) + "\n"
        }
        return text + "\n" + (explanations(report) + report.changes.map(change)).map(Paragraph.wrap).joined()
    }

    /// `before  old.json, 2026-11-21T08:00:00.000Z, 5 rounds of QUIC, TLS and TCP, upload`.
    private static func line(_ label: String, _ measurement: SavedMeasurement) -> String {
        let name = PrintableText.clean(measurement.name, limit: 200)
        let tests = measurement.series.map(\.throughput.count).max() ?? 0
        let parts = [name, measurement.startedAt, tests == 1 ? "1 test" : "\(tests) rounds"]
        return label + (label.count < 6 ? "   " : "  ") + parts.compactMap(\.self).joined(separator: ", ")
    }

    private static func interval(_ interval: RatioInterval) -> String {
        "\(ComparisonVerdict.ratio(interval.lower))–\(ComparisonVerdict.ratio(interval.upper))"
    }

    private static func word(_ verdict: DiffRow.Verdict) -> String {
        switch verdict {
        case .regression: "regression"
        case .improvement: "improvement"
        case .small, .none: "no difference"
        case .unknown: Figure.absent
        }
    }

    /// By what it was decided, and what the table doesn't say.
    private static func explanations(_ report: DiffReport) -> [String] {
        var lines: [String] = []
        if let row = report.rows.first(where: { $0.interval == nil && $0.ratio != nil }) {
            lines.append(
                "Single tests have no interval: what is within \(ComparisonText.percent(row.threshold)) (--threshold) "
                    + "counts as no difference.")
        }
        if let row = report.rows.first(where: { $0.verdict == .small }) {
            lines.append(
                "What differs by less than \(ComparisonText.percent(row.threshold)) (--threshold) counts as no "
                    + "difference.")
        }
        for row in report.rows where row.ratio == nil {
            let name = row.transport.displayName
            switch row.verdict {
            case .regression: lines.append("\(name) carries nothing any more.")
            case .improvement: lines.append("\(name) carried nothing before.")
            case .small, .none, .unknown: lines.append("\(name) carried nothing, before and after.")
            }
        }
        return lines
    }

    /// `changed: test.settings.server.aead, libipsec-mb before, gnutls after`.
    private static func change(_ change: DiffChange) -> String {
        "changed: \(change.field), \(change.before?.description ?? "unknown") before, "
            + "\(change.after?.description ?? "unknown") after"
    }
}
