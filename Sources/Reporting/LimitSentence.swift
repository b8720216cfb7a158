import QrateMeasurement

/// What limited one direction, in a sentence for the summary: the same in text and in JSON.
enum LimitSentence {
    static func of(_ verdict: LimitVerdict, _ report: TestReport, _ direction: Direction) -> String {
        let sender: Role = direction == .upload ? .client : .server
        let share = percent(verdict.share)
        if verdict.limit == .idle {
            return "too short to say what limited it: nothing was to be sent \(share) of the time"
        }
        var fact = "limited by \(name(verdict.limit, sender))"
        if verdict.isByThread { fact += ", whose busiest thread was at work" }
        fact += " \(share) of the time"
        if let second = verdict.second { fact += ", by \(name(second.limit, sender)) \(percent(second.share))" }
        return fact + (consequence(verdict, report, sender).map { ": " + $0 } ?? "")
    }

    static func name(_ limit: LimitVerdict.Limit, _ sender: Role) -> String {
        switch limit {
        case .congestion: "the congestion window"
        case .flowControl: "the receiver's flow control"
        case .targetBitrate: "the target rate (-b)"
        case .application: "this program"
        case .socketBuffer: "the sender's socket buffer"
        case .senderCPU: "CPU at the sender (the \(sender))"
        case .receiverCPU: "CPU at the receiver (the \(sender == .client ? Role.server : .client))"
        case .hostCPU: "this host's CPU"
        case .idle: "nothing"
        }
    }

    /// What a reader may conclude, or try.
    private static func consequence(_ verdict: LimitVerdict, _ report: TestReport, _ sender: Role) -> String? {
        if let setting = verdict.setting {
            guard let end = setting.end else { return "\(setting.name) \(setting.value) would help" }
            return "a largest value of \(setting.value) in `sysctl \(setting.name)` at the \(end) would help"
        }
        guard verdict.second == nil else { return nil }
        switch verdict.limit {
        case .congestion:
            let settings = sender == .client ? report.client.settings : report.server?.settings
            let controller = settings?.congestionController.map { " with " + PrintableText.clean($0, limit: 20) }
            return "this is what the path carries" + (controller ?? "")
        case .flowControl where report.parameters.transport == .quic: return "its window is as large as it gets"
        case .targetBitrate: return report.parameters.targetBitrate.map { "no more than \($0) was asked for" }
        case .socketBuffer: return "the queue from that host to its network was full"
        case .senderCPU: return "the path may carry more"
        case .hostCPU: return "on loopback there is no network to wait for"
        case .flowControl, .application, .receiverCPU, .idle: return nil
        }
    }

    private static func percent(_ share: Double) -> String { fixedPoint(share * 100, decimals: 0) + " %" }
}
