import QrateMeasurement

/// The table of a test: a row per interval, the streams under it, and the totals.
///
/// A row is one direction's. The first columns are what its receiver got; those after them are ``RowColumns``. In a
/// bidirectional test the rows of both directions alternate, and each names its own.
struct IntervalTable {
    private let parameters: TestParameters
    private let columns: RowColumns
    private let table: TextTable

    init(_ parameters: TestParameters) {
        self.parameters = parameters
        columns = RowColumns(parameters)
        let namesDirection = parameters.direction == .bidirectional
        // The name of the direction takes three characters more: each of these columns gives one.
        let widths: (interval: Int, figure: Int) = namesDirection ? (20, 9) : (17, 10)
        table = TextTable(
            columns: [
                .init(title: "  interval", width: widths.interval, alignment: .left),
                .init(title: "received", width: widths.figure), .init(title: "rate", width: 13),
            ] + columns.columns(width: widths.figure))
    }

    /// The column titles, set off by an empty line.
    var heading: String { "\n" + table.heading + "\n" }

    func rows(_ interval: IntervalReport) -> String {
        var details = columns.cells(interval.path?.metrics, interval.datagrams)
        if interval.isWarmUp { details[details.count - 1] = "(warm-up)" }
        let cells =
            [
                label(interval.start, interval.end, interval.direction), Figure.bytes(interval.bytesReceived),
                Figure.rate(Bitrate(interval.bytesReceived, over: interval.length)),
            ] + details
        return table.row(cells) + "\n" + streamRows(interval.streams, over: interval.length)
    }

    /// The measured window of each direction as a whole; empty when none was measured.
    func totals(_ report: TestReport) -> String {
        let directions: [Direction] =
            parameters.direction == .bidirectional ? [.upload, .download] : [parameters.direction]
        return directions.map { total($0, report) }.joined()
    }

    private func total(_ direction: Direction, _ report: TestReport) -> String {
        guard let summary = report.summary(direction), let length = summary.duration else { return "" }
        let first = report.intervals.first { !$0.isWarmUp && $0.direction == direction }
        let start = first?.start ?? parameters.warmUp
        let details = columns.totals(
            report.path(direction)?.metrics, summary.datagrams, hasWarmUp: parameters.warmUp > .zero)
        let cells =
            [
                label(start, start + length, direction), Figure.bytes(summary.bytesReceived),
                Figure.rate(summary.throughput),
            ] + details
        return table.row(cells) + "\n" + streamRows(summary.streams, over: length)
    }

    /// One short row per stream, for tests of several streams.
    private func streamRows(_ streams: [ByteCount], over length: Duration) -> String {
        guard parameters.streams > 1 else { return "" }
        // A peer may have sent more counts than the test has streams.
        return streams.prefix(parameters.streams).enumerated().map { index, count in
            let cells = ["     stream \(index + 1)", Figure.bytes(count), Figure.rate(Bitrate(count, over: length))]
            return table.row(cells) + "\n"
        }.joined()
    }

    private func label(_ start: Duration, _ end: Duration, _ direction: Direction) -> String {
        let bounds = "   " + Figure.bounds(start, end)
        guard parameters.direction == .bidirectional else { return bounds }
        let gap = String(repeating: " ", count: max(15 - bounds.count, 1))
        return bounds + gap + (direction == .upload ? "up" : "down")
    }
}
