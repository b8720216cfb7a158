import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// The report's totals: what the receiver counted, beside what the sender handed to its stack.
extension ClientMachine {
    /// - Returns: The warnings that go with the totals, to be emitted.
    mutating func summarize(_ run: ClientRun) -> [Action] {
        report.client.settings = run.lastSample.settings
        report.client.cpu = run.lastSample.cpu
        report.server?.cpu = (try? run.result?.qrate?.cpu?.usage()) ?? nil
        report.handshake?.confirmedAfter = run.lastSample.handshakeConfirmedAfter
        if let settings = run.result?.qrate?.settings?.settings { report.server?.settings = settings }
        report.client.clockStep = run.clockStep
        report.server?.clockStep = run.result?.qrate?.clockStep
        report.pathMTU = run.lastSample.pathMTU
        if case .measured(let latency)? = run.latency { report.latency = latency }
        // A search for the path MTU moves no payload: there is nothing to sum up.
        if run.sending != nil, !run.plan.parameters.settings.probesPathMTU {
            report.upload = uploadSummary(run)
            report.uploadPath = run.lastSample.path
        }
        if let receiving = run.receiving {
            report.download = downloadSummary(run)
            report.downloadPath = run.result?.qrate?.path?.measured ?? receiving.lastPath
        }
        return doubts().map { warn($0) }
    }

    /// The server is the receiver: its totals, or the rows that arrived before it fell silent.
    private func uploadSummary(_ run: ClientRun) -> DirectionSummary? {
        let sent = run.lastSample.totalSent
        if let totals = run.result?.qrate?.upload, var summary = try? totals.summary(bytesSent: sent) {
            if summary.streams.count != run.plan.streams { summary.streams = [] }
            return summary
        }
        return run.result.flatMap { foreignSummary($0, run, bytesSent: sent) } ?? summaryOfRows(bytesSent: sent)
    }

    /// Out of xfr's own fields. In both directions at once, the streams' bytes are the sum of both.
    private func foreignSummary(_ result: ResultMessage, _ run: ClientRun, bytesSent: ByteCount?) -> DirectionSummary? {
        let isAlone = !run.plan.receives
        guard let bytes = isAlone ? result.bytesTotal : result.bytesSent else { return nil }
        let streams = result.streams.sorted { $0.id < $1.id }.map { ByteCount($0.bytes) }
        return DirectionSummary(
            bytesReceived: ByteCount(bytes),
            duration: Duration(checkedMilliseconds: Double(result.durationMilliseconds)), bytesSent: bytesSent,
            streams: isAlone && streams.count == run.plan.streams ? streams : [],
            datagrams: result.udpStatistics.map { DatagramReport($0) })
    }

    private func downloadSummary(_ run: ClientRun) -> DirectionSummary? {
        guard var summary = run.receiving?.totals?.summary(bytesSent: serverSent(run)) else { return nil }
        // How a server ends its streams that isn't qrate says nothing about what it sent: resets are its habit, and its
        // datagrams have no end.
        if !run.server.speaksQrate, summary.isComplete == false { summary.isComplete = nil }
        summary.receiveBufferDrops = run.lastSample.receiveBufferDrops
        return summary
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
        guard !run.server.speaksQrate else { return nil }
        // xfr's server reports what it wrote; in both directions at once, in the client's view.
        return (run.sending == nil ? result.bytesTotal : result.bytesReceived).map { ByteCount($0) }
    }
}
