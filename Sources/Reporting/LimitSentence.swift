import QrateMeasurement

/// What limited one direction, in a sentence for the summary: the same in text and in JSON.
enum LimitSentence {
    static func of(_ verdict: LimitVerdict, _ report: TestReport, _ direction: Direction) -> String {
        let sender: Role = direction == .upload ? .client : .server
        let share = percent(verdict.share)
        if verdict.limit == .idle {
            return "too short to say what limited it: nothing was to be sent \(share) of the time"
        }
        if let second = verdict.second {
            return "limited by \(name(verdict.limit, sender)) \(share) of the time, "
                + "by \(name(second.limit, sender)) \(percent(second.share))"
        }
        let fact =
            verdict.limit == .receiverCPU
            ? "limited by \(name(verdict.limit, sender)): its busiest thread was at work \(share) of the time"
            : "limited by \(name(verdict.limit, sender)) \(share) of the time"
        return fact + (consequence(verdict, report).map { ": " + $0 } ?? "")
    }

    private static func name(_ limit: LimitVerdict.Limit, _ sender: Role) -> String {
        switch limit {
        case .congestion: "the congestion window"
        case .flowControl: "the receiver's flow control"
        case .targetBitrate: "the target rate (-b)"
        case .application: "this program"
        case .socketBuffer: "the sender's socket buffer"
        case .senderCPU: "CPU at the \(sender), which sends,"
        case .receiverCPU: "CPU at the \(sender == .client ? Role.server : .client), which receives"
        case .idle: "nothing"
        }
    }

    private static func consequence(_ verdict: LimitVerdict, _ report: TestReport) -> String? {
        if let setting = verdict.setting {
            guard let end = setting.end else { return "\(setting.name) \(setting.value) would help" }
            return "a largest value of \(setting.value) in `sysctl \(setting.name)` at the \(end) would help"
        }
        switch verdict.limit {
        case .congestion: return "this is what the path carries"
        case .flowControl where report.parameters.transport == .quic: return "its window is as large as it gets"
        case .targetBitrate: return report.parameters.targetBitrate.map { "no more than \($0) was asked for" }
        case .socketBuffer: return "the queue from that host to its network was full"
        case .senderCPU: return "the path may carry more"
        case .flowControl, .application, .receiverCPU, .idle: return nil
        }
    }

    private static func percent(_ share: Double) -> String { fixedPoint(share * 100, decimals: 0) + " %" }
}
