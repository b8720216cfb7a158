import QrateMeasurement

/// What one direction's receiver counted of datagrams over the whole test, in sentences.
struct DatagramText {
    private let report: DatagramReport?

    init(_ report: TestReport, _ direction: Direction) {
        self.report = report.summary(direction)?.datagrams
    }

    var lines: [String] {
        guard let report else { return [] }
        return [loss(report), jitter(report), report.delayVariation.map(Self.delayVariation)].compactMap(\.self)
    }

    private func loss(_ report: DatagramReport) -> String {
        let total = report.total.map { Figure.count($0) } ?? Figure.absent
        let share = report.lost < 0 ? Figure.absent : Figure.share(report.lossRatio)
        return "lost \(Figure.count(UInt64(clamping: report.lost))) of \(total) datagrams (\(share)), "
            + "\(Figure.count(report.duplicates)) duplicate, \(Figure.count(report.reordered)) reordered"
    }

    private func jitter(_ report: DatagramReport) -> String? {
        guard let jitter = report.jitter else { return nil }
        return "jitter \(Figure.latency(jitter))" + (report.maxJitter.map { ", at most \(Figure.latency($0))" } ?? "")
    }

    private static func delayVariation(_ variation: DelayVariation) -> String {
        "delay above the fastest datagram's: median \(Figure.latency(variation.median)), "
            + "95 % \(Figure.latency(variation.percentile95)), 99 % \(Figure.latency(variation.percentile99)), "
            + "most \(Figure.latency(variation.maximum))"
    }
}
