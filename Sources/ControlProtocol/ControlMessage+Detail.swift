extension ControlMessage {
    /// The same without what qrate adds per stream, for a line that would be too long. Totals stay.
    var withoutStreamCounts: ControlMessage {
        switch self {
        case .interval(var interval):
            interval.qrate?.upload?.streams = nil
            return .interval(interval)
        case .result(var result):
            result.qrate?.upload?.streams = nil
            result.qrate?.cpu?.threads = nil
            return .result(result)
        case .report(var report):
            report.totals?.streams = nil
            return .report(report)
        default: return self
        }
    }
}
