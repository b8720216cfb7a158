package import QrateMeasurement

/// A test as text for people: at most 80 columns for ordinary names, no control character but the line's end.
///
/// The parts come in the order in which a running test knows them, so that a client can print as it goes: ``header(_:)``
/// once, ``heading`` and ``interval(_:)`` per row, ``summary(_:)`` and ``notes(_:)`` at the end. Each is a number of
/// whole, ended lines.
package struct PlainTextReporter: Sendable {
    let parameters: TestParameters
    /// nil for a test that measures no rate.
    private let table: IntervalTable?

    /// - Parameter parameters: Those of the one test that this reporter writes about: they choose the table's columns.
    package init(_ parameters: TestParameters) {
        self.parameters = parameters
        table = parameters.settings.probesPathMTU ? nil : IntervalTable(parameters)
    }

    /// What runs against whom, under which settings. Says what the report knows so far and nothing of the rest.
    package func header(_ report: TestReport) -> String {
        HeaderText(report).lines.map(Paragraph.wrap).joined()
    }

    /// The titles of the rows' columns.
    package var heading: String { table?.heading ?? "" }

    /// One row, and one per stream under it.
    package func interval(_ interval: IntervalReport) -> String { table?.rows(interval) ?? "" }

    /// The totals: the table's last row, then what no table holds.
    ///
    /// - Parameter showsHeading: For a table that has no rows.
    package func summary(_ report: TestReport, showsHeading: Bool = false) -> String {
        let totals = table?.totals(report) ?? ""
        let figures = SummaryText(report).lines.map(Paragraph.wrap).joined()
        return (showsHeading && !totals.isEmpty ? heading : "") + totals + (figures.isEmpty ? "" : "\n" + figures)
    }

    /// What a reader of the figures should know: no results, so it belongs on another stream. Empty when there is nothing
    /// to say.
    package func notes(_ report: TestReport) -> String {
        let lines = report.warnings.map { "warning: " + PrintableText.clean($0.message, limit: 500) }
        return lines.map(Paragraph.wrap).joined()
    }

    /// Why a test failed, or didn't begin: one line for standard error, however long, so that a log has it in one piece.
    package static func problem(_ failure: TestFailure) -> String {
        "qrate: \(PrintableText.clean(failure.message, limit: 500))\n"
    }

    /// The whole of a finished test, but for its failure.
    package func document(_ report: TestReport) -> String {
        var text = header(report)
        if !report.intervals.isEmpty { text += heading }
        for row in report.intervals { text += interval(row) }
        text += summary(report, showsHeading: report.intervals.isEmpty)
        let notes = notes(report)
        return text + (notes.isEmpty ? "" : "\n" + notes)
    }
}
