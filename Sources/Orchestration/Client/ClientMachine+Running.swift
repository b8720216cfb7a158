import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// While payload moves. Each function takes the run out of the phase and puts it into the next one.
extension ClientMachine {
    mutating func running(_ event: SessionEvent, _ run: ClientRun) -> [Action] {
        var run = run
        var actions: [Action] = []
        switch event {
        case .received(.error(let message)):
            note(message.failure(otherwise: .failed))
            return stop(run)
        case .received(.result(let result)):
            run.result = result
            if let ended = result.qrate?.endedEarly { note(Self.endedEarly(ended)) }
            if !run.isWindowClosed {
                // A server that ended early has stopped sending; an ordinary end's payload may still be on its way.
                actions.append(report.failure != nil ? .closeWindow : .setTimer(.drain, Tunables.drain))
            }
        case .received(let message): actions = progress(message, &run)
        case .plane(.receiving):
            if run.receiving != nil, let planned = run.plannedEnd { actions.append(.setTimer(.plannedEnd, planned)) }
        case .plane(.interval(let row)): actions = ownRow(row, &run)
        case .plane(.receiversDone(let totals)), .windowClosed(let totals): actions = windowClosed(totals, &run)
        case .plane(.sendersDone): actions = sendersDone(&run)
        case .plane(.failed(let error)):
            if run.result != nil { return settle(run, .done) }
            // The server may have said why, or even its result, in bytes that are still on their way to us.
            run.suspicion = error.failure
            return stop(run)
        case .transportFailed(let error):
            if run.result == nil { note(error.failure) }
            return settle(run, .done)
        case .controlEnded:
            // xfr's server ends its half right behind the result, while payload is on its way.
            if run.result != nil { return [] }
            note(TestFailure(.failed, "The server ended the conversation before it had sent its result."))
            return settle(run, .done)
        case .malformed(let error):
            note(error.failure)
            return settle(run, .protocolError)
        case .stopRequested:
            note(Self.interrupted)
            let cancel = CancelMessage(id: report.id, reason: "User requested cancellation")
            return stop(run, telling: [.send(.cancel(cancel))])
        case .sampled(let sample): actions = sampled(sample, &run)
        case .timer(let name): return timer(name, run)
        case .connected, .planeReady, .admission: return []
        }
        if run.isComplete { return actions + settle(run, .done) }
        phase = .running(run)
        return actions + (isSignOfLife(event) ? [.setTimer(.idle, run.idleLimit)] : [])
    }

    // MARK: - What moves

    /// A server's `interval`, or a message without a meaning here, which is ignored.
    mutating func progress(_ message: ControlMessage, _ run: inout ClientRun) -> [Action] {
        guard case .interval(let interval) = message else { return [] }
        if let row = run.takeUploadRow(interval) {
            run.sending?.rows.append(row)
            // One sample serves all rows that came since the last; it is asked for again only when it has come.
            guard run.samplesUnderWay == 0 else { return [] }
            run.samplesUnderWay = 1
            return [.sample]
        }
        guard run.receiving != nil, let path = try? interval.qrate?.path?.report(observedBy: .server) else { return [] }
        run.receiving?.lastPath = path
        guard run.receiving?.rows.isEmpty == false else { return [] }
        let piece = run.receiving?.trail.next(path)
        return releaseRows(&run, path: piece) + [.cancelTimer(.rowPath)]
    }

    private mutating func ownRow(_ row: ReceivedInterval, _ run: inout ClientRun) -> [Action] {
        guard run.receiving != nil else { return [] }
        run.receiving?.received += row.total
        run.receiving?.rows.append(row.report(of: .download))
        guard run.server.speaksQrate else { return releaseRows(&run) }
        let counts = ReportMessage(
            id: report.id, elapsedMilliseconds: row.end.milliseconds,
            bytesReceived: run.receiving?.received.bytes ?? 0, isFinal: false)
        let isFirst = run.receiving?.rows.count == 1
        return [.send(.report(counts))] + (isFirst ? [.setTimer(.rowPath, Tunables.rowPath)] : [])
    }

    private mutating func windowClosed(_ totals: ReceivedTotals, _ run: inout ClientRun) -> [Action] {
        guard run.close(totals), run.server.speaksQrate else { return [] }
        let final = ReportMessage(
            id: report.id, elapsedMilliseconds: (totals.duration ?? .zero).milliseconds,
            bytesReceived: totals.everything.bytes, isFinal: true, totals: totals.wireTotals)
        return [.send(.report(final)), .setTimer(.result, Tunables.drain + Tunables.margin)]
    }

    private mutating func sendersDone(_ run: inout ClientRun) -> [Action] {
        guard run.sending?.isDone == false else { return [] }
        run.sending?.isDone = true
        let wait = Action.setTimer(.result, Tunables.drain + Tunables.margin)
        // xfr's servers know `finish` in tests with a byte budget only; of others they know the end beforehand.
        let isFinishKnown = run.server.speaksQrate || run.plan.limit.byteBudget != nil
        return isFinishKnown ? [.send(.finish(TestReference(id: report.id))), wait] : [wait]
    }

    mutating func sampled(_ sample: PlaneSample, _ run: inout ClientRun) -> [Action] {
        run.take(sample)
        guard run.sending?.rows.isEmpty == false else { return [] }
        let piece = sample.path.flatMap { run.sending?.trail.next($0) }
        return releaseRows(&run, path: piece)
    }

    /// Shows and keeps the rows that waited. A path belongs to the newest of them: it was taken last.
    mutating func releaseRows(_ run: inout ClientRun, path: PathReport? = nil) -> [Action] {
        var rows = (run.sending?.rows ?? []) + (run.receiving?.rows ?? [])
        run.sending?.rows = []
        run.receiving?.rows = []
        guard !rows.isEmpty else { return [] }
        rows[rows.count - 1].path = path
        let room = max(0, Tunables.mostRows - report.intervals.count)
        report.intervals += rows.prefix(room)
        let shown = rows.map { Action.emit(.interval($0)) }
        let isFirstLoss = rows.count > room && !report.warnings.contains(.rowsDropped)
        return shown + (isFirstLoss ? [warn(.rowsDropped)] : [])
    }

    // MARK: - Time

    private mutating func timer(_ name: TimerName, _ run: ClientRun) -> [Action] {
        var run = run
        switch name {
        case .rowPath:
            let actions = releaseRows(&run)
            phase = .running(run)
            return actions
        case .drain: return run.isWindowClosed ? [] : [.closeWindow]
        case .plannedEnd:
            if !run.isWindowClosed { return [.closeWindow] }
            guard run.sending?.isDone == false else { return [] }
            note(TestFailure(.failed, "The sender did not end at the planned time: the path takes nothing any more."))
            return settle(run, .timedOut)
        case .idle:
            note(TestFailure(.failed, "Nothing was heard from the server for \(run.idleLimit)."))
            return settle(run, .timedOut)
        case .result:
            let limit = Tunables.drain + Tunables.margin
            note(TestFailure(.failed, "The server did not send its result within \(limit) after the end."))
            return settle(run, .timedOut)
        case .firstLine, .reply, .longestTest, .cancelGrace, .interval, .linger: return []
        }
    }

    private func isSignOfLife(_ event: SessionEvent) -> Bool {
        switch event {
        case .plane(.interval(let row)): row.total > .zero  // one without payload shows only that our plane is alive
        case .received, .plane: true
        default: false
        }
    }

    static func endedEarly(_ kind: String) -> TestFailure {
        let told = TestFailure.Kind(rawValue: kind)
        // The user of this end interrupted nothing.
        let kind = told == .interrupted ? .failed : told ?? .failed
        return TestFailure(kind, "The server ended the test early.")
    }
}

extension ClientRun {
    /// - Returns: Whether these are the first totals.
    @discardableResult
    mutating func close(_ totals: ReceivedTotals) -> Bool {
        guard receiving != nil, receiving?.totals == nil else { return false }
        receiving?.totals = totals
        return true
    }

    mutating func take(_ sample: PlaneSample) {
        samplesUnderWay = max(0, samplesUnderWay - 1)
        lastSample = sample
    }

    /// The server's row in an upload: qrate's with true bounds, or made up from xfr's figures.
    mutating func takeUploadRow(_ interval: IntervalMessage) -> IntervalReport? {
        guard sending != nil else { return nil }
        if let row = interval.qrate?.upload {
            guard var report = try? row.uploadInterval(), report.start < report.end else { return nil }
            if report.streams.count != plan.streams { report.streams = [] }
            return report
        }
        let start = sending?.foreignRowStart ?? .zero
        guard let end = Duration(checkedMilliseconds: Double(interval.elapsedMilliseconds)), end > start else {
            return nil
        }
        sending?.foreignRowStart = end
        let streams = interval.streams.sorted { $0.id < $1.id }.map { ByteCount($0.bytes) }
        return IntervalReport(
            .upload, start: start, end: end, isWarmUp: false, bytesReceived: ByteCount(interval.aggregate.bytes),
            streams: streams.count == plan.streams ? streams : [])
    }
}
