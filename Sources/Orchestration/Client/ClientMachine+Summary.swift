import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// The report's totals: what the receiver counted, beside what the sender handed to its stack.
extension ClientMachine {
    /// - Returns: The warnings that go with the totals, to be emitted.
    mutating func summarize(_ run: ClientRun) -> [Action] {
        report.client.settings = run.lastSample.settings
        if let settings = run.result?.qrate?.settings?.settings { report.server?.settings = settings }
        if run.sending != nil {
            report.upload = uploadSummary(run)
            report.uploadPath = run.lastSample.path
        }
        if let receiving = run.receiving {
            report.download = receiving.totals?.summary(bytesSent: serverSent(run))
            report.downloadPath =
                (try? run.result?.qrate?.path?.report(observedBy: .server)) ?? receiving.lastPath
        }
        return [Direction.upload, .download].flatMap { direction in
            doubts(about: report.summary(direction), direction).map { warn($0) }
        }
    }

    /// The server is the receiver: its totals, or the rows that arrived before it fell silent.
    private func uploadSummary(_ run: ClientRun) -> DirectionSummary? {
        let sent = run.lastSample.totalSent
        if let totals = run.result?.qrate?.upload, var summary = try? totals.summary(bytesSent: sent) {
            if summary.streams.count != run.plan.streams { summary.streams = [] }
            return summary
        }
        if let result = run.result {
            let streams = result.streams.sorted { $0.id < $1.id }.map { ByteCount($0.bytes) }
            return DirectionSummary(
                bytesReceived: ByteCount(result.bytesTotal),
                duration: Duration(checkedMilliseconds: Double(result.durationMilliseconds)), bytesSent: sent,
                streams: streams.count == run.plan.streams ? streams : [])
        }
        return summaryOfRows(bytesSent: sent)
    }

    private func summaryOfRows(bytesSent: ByteCount?) -> DirectionSummary? {
        let measured = report.intervals.filter { !$0.isWarmUp && $0.direction == .upload }
        guard let first = measured.first, let last = measured.last else {
            return bytesSent.map { DirectionSummary(bytesReceived: .zero, duration: nil, bytesSent: $0) }
        }
        func sum(_ rows: some Sequence<IntervalReport>) -> ByteCount {
            rows.reduce(.zero) { $0 + $1.bytesReceived }
        }
        return DirectionSummary(
            bytesReceived: sum(measured), duration: last.end - first.start,
            warmUpBytes: sum(report.intervals.lazy.filter { $0.isWarmUp && $0.direction == .upload }),
            bytesSent: bytesSent)
    }

    private func serverSent(_ run: ClientRun) -> ByteCount? {
        guard let result = run.result else { return nil }
        if let sent = result.qrate?.bytesSent { return ByteCount(sent) }
        // Of a download, xfr's server reports what it wrote.
        return run.server.speaksQrate ? nil : ByteCount(result.bytesTotal)
    }

    private func doubts(about summary: DirectionSummary?, _ direction: Direction) -> [TestWarning] {
        guard let summary, let isComplete = summary.isComplete, report.failure == nil else { return [] }
        guard isComplete else { return [.incompleteDrain(direction)] }
        let received = summary.bytesReceived + summary.warmUpBytes + summary.drainedBytes
        guard let sent = summary.bytesSent, sent != received else { return [] }
        return [.countMismatch(direction, sent: sent, received: received)]
    }
}
