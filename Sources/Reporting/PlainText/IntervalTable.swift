import QrateMeasurement

/// The table of a test: a row per interval, the streams under it, and the totals.
///
/// One direction shows what its receiver got and the rate; both at once show the two rates, because more doesn't fit.
/// The columns after those are the sender's view of the path when the row ended.
struct IntervalTable {
    private let parameters: TestParameters
    private let table: TextTable

    init(_ parameters: TestParameters) {
        self.parameters = parameters
        let received: [TextTable.Column] =
            switch parameters.direction {
            case .upload, .download: [.init(title: "received", width: 10), .init(title: "rate", width: 13)]
            case .bidirectional: [.init(title: "upload", width: 11), .init(title: "download", width: 13)]
            }
        table = TextTable(
            columns: [.init(title: "  interval", width: 17, alignment: .left)] + received + [
                .init(title: "RTT", width: 10), .init(title: "min", width: 10), .init(title: "lost", width: 8),
                .init(title: "window", width: 11),
            ])
    }

    /// The column titles, set off by an empty line.
    var heading: String { "\n" + table.heading + "\n" }

    func rows(_ interval: IntervalReport) -> String {
        let metrics = interval.path.flatMap(Self.metrics)
        let cells =
            [Self.label(interval.start, interval.end)] + received(interval) + [
                Figure.latency(metrics?.smoothedRTT), Figure.latency(metrics?.minRTT),
                Figure.count(metrics?.streamPacketsLost),
                interval.isWarmUp ? "(warm-up)" : metrics?.congestionWindow?.description ?? Figure.absent,
            ]
        return table.row(cells) + "\n" + streamRows(interval.streams, over: interval.length)
    }

    /// The measured window as a whole; empty when none was measured.
    func totals(_ report: TestReport) -> String {
        let summaries = [report.upload, report.download]
        guard let length = summaries.compactMap({ $0?.duration }).max() else { return "" }
        let start = report.intervals.first { !$0.isWarmUp }?.start ?? parameters.warmUp
        let metrics = (report.uploadPath ?? report.downloadPath).flatMap(Self.metrics)
        let cells =
            [Self.label(start, start + length)] + received(report) + [
                Figure.latency(metrics?.smoothedRTT), Figure.latency(metrics?.minRTT),
                // The sender counts from its start, so with a warm-up its count isn't the window's.
                parameters.warmUp > .zero ? "" : Figure.count(metrics?.streamPacketsLost),
            ]
        let summary = report.summary(parameters.direction)
        return table.row(cells) + "\n" + streamRows(summary?.streams ?? [], over: summary?.duration ?? .zero)
    }

    private func received(_ interval: IntervalReport) -> [String] {
        func rate(_ count: ByteCount?) -> String {
            Figure.rate(count.flatMap { Bitrate($0, over: interval.length) })
        }
        if parameters.direction == .bidirectional {
            return [rate(interval.received(.upload)), rate(interval.received(.download))]
        }
        let count = interval.received(parameters.direction)
        return [Figure.bytes(count), rate(count)]
    }

    private func received(_ report: TestReport) -> [String] {
        if parameters.direction == .bidirectional {
            return [Figure.rate(report.upload?.throughput), Figure.rate(report.download?.throughput)]
        }
        let summary = report.summary(parameters.direction)
        return [Figure.bytes(summary?.bytesReceived), Figure.rate(summary?.throughput)]
    }

    /// One short row per stream, for tests of several streams one way: a count of both ways has no place here.
    private func streamRows(_ streams: [ByteCount], over length: Duration) -> String {
        guard parameters.streams > 1, parameters.direction != .bidirectional else { return "" }
        // A peer may have sent more counts than the test has streams.
        return streams.prefix(parameters.streams).enumerated().map { index, count in
            let cells = ["     stream \(index + 1)", Figure.bytes(count), Figure.rate(Bitrate(count, over: length))]
            return table.row(cells) + "\n"
        }.joined()
    }

    private static func label(_ start: Duration, _ end: Duration) -> String { "   " + Figure.bounds(start, end) }

    private static func metrics(_ path: PathReport) -> QUICPathMetrics? {
        switch path.metrics {
        case .quic(let metrics): metrics
        case .tcp, .udp: nil
        }
    }
}
