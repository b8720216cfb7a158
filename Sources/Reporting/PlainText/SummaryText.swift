import QrateMeasurement

/// The lines under the table.
struct SummaryText {
    private let report: TestReport

    init(_ report: TestReport) { self.report = report }

    /// Empty when a test failed before anything was known.
    var lines: [String] {
        var lines: [String] = []
        if isPartial, directions.contains(where: { report.summary($0)?.duration != nil }) {
            lines.append("partial result: the test did not run to its planned end")
        }
        if report.parameters.settings.probesPathMTU {
            lines += PathMTUText(report).lines
        } else {
            for direction in directions {
                lines += throughput(direction)
                let texts = [
                    DatagramText(report, direction).lines, LossText(report, direction).lines,
                    PathText(report, direction).lines, limit(direction),
                ]
                lines += texts.joined().map { label(direction) + $0 }
            }
        }
        lines += LatencyText(report).lines
        if let handshake = report.handshake { lines.append("handshake \(Figure.latency(handshake.duration))") }
        lines += ProcessorText(report).lines
        let settings = SettingsText(report).items
        if !settings.isEmpty { lines.append("used " + settings.joined(separator: ", ")) }
        return lines
    }

    /// A test without a planned end isn't partial for having been stopped.
    private var isPartial: Bool {
        guard let failure = report.failure else { return false }
        return !(report.parameters.limit.isEndless && failure.kind == .interrupted)
    }

    private var directions: [Direction] {
        report.parameters.direction == .bidirectional ? [.upload, .download] : [report.parameters.direction]
    }

    /// What limited it, where that is known.
    private func limit(_ direction: Direction) -> [String] {
        report.limitVerdict(direction).map { [LimitSentence.of($0, report, direction)] } ?? []
    }

    private func label(_ direction: Direction) -> String {
        report.parameters.direction == .bidirectional ? "\(direction): " : ""
    }

    private func throughput(_ direction: Direction) -> [String] {
        let label = label(direction)
        guard let summary = report.summary(direction) else {
            // A failed test needs no line about what is missing.
            return report.failure == nil ? ["\(label)– received: the receiver did not report its count"] : []
        }
        var lines: [String] = []
        if let duration = summary.duration {
            let amount = "\(Figure.bytes(summary.bytesReceived)) in \(Figure.measured(duration))"
            lines.append("\(label)\(Figure.rate(summary.throughput)) received (\(amount))")
        } else if summary.bytesReceived > .zero {
            // One batch brought all of it, so no time passed between its first byte and its last.
            lines.append("\(label)\(Figure.bytes(summary.bytesReceived)) received, too few for a rate")
        } else {
            lines.append("\(label)– received: no payload arrived in the measured window")
        }
        if let steady = Self.steadyState(summary) { lines.append(label + steady) }
        let rest = Self.outsideWindow(summary)
        if !rest.isEmpty { lines.append(label + rest.joined(separator: ", ")) }
        if let index = summary.fairnessIndex {
            lines.append("\(label)fairness index \(fixedPoint(index, decimals: 3)) (1 when all streams got the same)")
        }
        return lines
    }

    /// From so much of a difference on, the rate that the run came to is worth a line of its own.
    private static let notableDifference = 0.05

    /// Where the mean is far from what the rate came to.
    private static func steadyState(_ summary: DirectionSummary) -> String? {
        guard let state = summary.steadyState, let mean = summary.throughput else { return nil }
        let difference = Double(state.plateau.bitsPerSecond) - Double(mean.bitsPerSecond)
        guard abs(difference) >= notableDifference * Double(mean.bitsPerSecond) else { return nil }
        // A rate that falls is above its plateau from the first byte on.
        let rise = state.timeTo90Percent
        return "steady at \(Figure.rate(state.plateau)), deviation \(Figure.rate(state.deviation))"
            + (rise > .zero ? ", 90 % of it reached after \(Figure.latency(rise))" : "")
    }

    /// What the throughput doesn't say, where there is something to say.
    private static func outsideWindow(_ summary: DirectionSummary) -> [String] {
        var items: [String] = []
        if let sent = summary.bytesSent, sent != summary.bytesReceived { items.append("\(Figure.bytes(sent)) sent") }
        if summary.warmUpBytes > .zero { items.append("\(Figure.bytes(summary.warmUpBytes)) in the warm-up") }
        if summary.drainedBytes > .zero {
            items.append("\(Figure.bytes(summary.drainedBytes)) drained after the window")
        }
        if summary.isComplete == false { items.append("not all that was sent arrived") }
        return items
    }
}
