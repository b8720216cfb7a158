package import QrateMeasurement

/// A test as text for people: at most 80 columns for ordinary names, no control character but the line's end.
///
/// The parts come in the order in which a running test knows them, so that a client can print as it goes: ``header(_:)``
/// once, ``interval(_:after:)`` per row, ``summary(_:)`` at the end. Each is a number of whole, ended lines.
package struct PlainTextReporter: Sendable {
    let parameters: TestParameters
    private let table: IntervalTable

    /// - Parameter parameters: Those of the one test that this reporter writes about: they choose the table's columns.
    package init(_ parameters: TestParameters) {
        self.parameters = parameters
        table = IntervalTable(parameters)
    }

    /// What runs against whom, under which settings. Says what the report knows so far and nothing of the rest.
    package func header(_ report: TestReport) -> String {
        HeaderText(report).lines.map(Paragraph.wrap).joined()
    }

    /// One row, and one per stream under it. The first row comes with the table's heading.
    ///
    /// - Parameter previous: The row before this one, nil for the first. Losses are counted from the start of the test,
    ///   so a row's own are the difference.
    package func interval(_ interval: IntervalReport, after previous: IntervalReport?) -> String {
        (previous == nil ? table.heading : "") + table.rows(interval, after: previous)
    }

    /// The totals: the table's last row, then what no table holds, then warnings. Of a failure it says that the result is
    /// partial; why is for ``problem(_:)``.
    package func summary(_ report: TestReport) -> String {
        let totals = table.totals(report)
        let figures = SummaryText(report).lines.map(Paragraph.wrap).joined()
        let notes = Self.notes(report)

        var text = totals
        // Totals follow the other rows directly; without rows there was no heading yet.
        if report.intervals.isEmpty, !totals.isEmpty { text = table.heading + totals }
        for block in [figures, notes] where !block.isEmpty { text += "\n" + block }
        return text
    }

    /// Why a test failed, or didn't begin: one line for standard error, however long, so that a log has it in one piece.
    package static func problem(_ failure: TestFailure) -> String {
        "qrate: \(PrintableText.clean(failure.message, limit: 500))\n"
    }

    /// The whole of a finished test.
    package func document(_ report: TestReport) -> String {
        var text = header(report)
        for (index, row) in report.intervals.enumerated() {
            text += interval(row, after: index > 0 ? report.intervals[index - 1] : nil)
        }
        return text + summary(report)
    }

    private static func notes(_ report: TestReport) -> String {
        let lines = report.warnings.map { "warning: " + PrintableText.clean($0.message, limit: 500) }
        return lines.map(Paragraph.wrap).joined()
    }
}
