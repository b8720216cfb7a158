import QrateMeasurement

/// What a reader of the report should know about its figures.
extension ClientMachine {
    func doubts() -> [TestWarning] {
        var doubts = serverRecordings + report.doubtsAboutEnds()
        for direction in [Direction.upload, .download] {
            guard let summary = report.summary(direction) else { continue }
            doubts += report.doubtsAboutCourse(direction) + receiverDoubts(summary, direction)
            if report.failure == nil { doubts += completeness(of: summary, direction) }
        }
        return doubts + processorDoubts()
    }

    /// Of each end's threads the busiest one is named.
    private func processorDoubts() -> [TestWarning] {
        [(Role.client, report.client.cpu), (.server, report.server?.cpu)].compactMap { end, usage in
            guard let thread = usage?.busiest, let share = thread.workShare, share > Tunables.cpuBoundShare,
                thread.elapsed >= Tunables.shortestShare
            else { return nil }
            return .cpuBound(end, thread, share: share)
        }
    }

    /// What the client itself records, its owner knows and says.
    private var serverRecordings: [TestWarning] {
        let recording = report.server?.settings.recording
        return (recording?.qlog == true ? [.serverQlog] : [])
            + (recording?.keyLog == true ? [.keyLog(at: .server)] : [])
    }

    /// A debug build is many times slower than the network needs it to be.
    func buildDoubts() -> [TestWarning] {
        let builds = [(Role.client, report.client.platform?.build), (.server, report.server?.platform?.build)]
        let ends = builds.filter { $1 == "debug" }.map(\.0)
        return ends.isEmpty ? [] : [.debugBuild(ends)]
    }

    /// Losses are no disagreement: only where every byte has to arrive must the ends' counts be equal.
    private func completeness(of summary: DirectionSummary, _ direction: Direction) -> [TestWarning] {
        guard let isComplete = summary.isComplete else { return [] }
        guard isComplete else { return [.incompleteDrain(direction)] }
        let received = summary.bytesReceived + summary.warmUpBytes + summary.drainedBytes
        guard summary.datagrams == nil, let sent = summary.bytesSent, sent != received else { return [] }
        return [.countMismatch(direction, sent: sent, received: received)]
    }

    private func receiverDoubts(_ summary: DirectionSummary, _ direction: Direction) -> [TestWarning] {
        var doubts: [TestWarning] = []
        if let drops = summary.kernelDrops, drops > 0 {
            doubts.append(.receiveBufferDrops(direction, drops))
        }
        let receiver = direction == .upload ? report.server?.settings : report.client.settings
        if receiver?.skipsReceiveCopy == true { doubts.append(.skipsReceiveCopy(direction)) }
        // TCP's: those of UDP and QUIC tell what was asked for. The kernel counts every byte twice.
        if let asked = report.parameters.settings.window, let granted = receiver?.receiveBuffer,
            receiver?.socketBufferAsked == nil, report.parameters.transport != .quic, granted.bytes / 2 < asked.bytes
        {
            doubts.append(.smallSocketBuffer(direction, asked: asked, granted: ByteCount(granted.bytes / 2)))
        }
        return doubts
    }
}
