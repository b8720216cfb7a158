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
            let isSearch = run.plan.parameters.settings.probesPathMTU  // which is ended by a cancellation
            if let ended = result.qrate?.endedEarly, !isSearch { note(Self.endedEarly(ended)) }
            if !run.isWindowClosed {
                // A server that ended early has stopped sending; an ordinary end's payload may still be on its way.
                actions.append(report.failure != nil ? .closeWindow : .setTimer(.drain, run.drainAfterResult))
            }
        case .received(let message): actions = progress(message, &run)
        case .plane(.receiving):
            if run.receiving != nil, let planned = run.plannedEnd { actions.append(.setTimer(.plannedEnd, planned)) }
            actions += run.beginLoadedLatency()
        case .plane(.interval(let row)): actions = ownRow(row, &run)
        case .plane(.receiversDone(let totals)), .windowClosed(let totals):
            actions = windowClosed(totals, &run) + run.finishLatency()
        case .plane(.sendersDone): actions = sendersDone(&run) + run.finishLatency()
        case .latencyMeasured(let measured): run.latency = .measured(measured)
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
        case .pauseRequested(let isPaused): actions = pause(isPaused, &run)
        case .timer(let name): return timer(name, run)
        case .connected, .planeReady, .admission, .usageMeasured, .idleMeasured: return []
        }
        if run.isComplete { return actions + settle(run, .done) }
        phase = .running(run)
        return actions + (isSignOfLife(event) ? [.setTimer(.idle, run.idleLimit)] : [])
    }

    // MARK: - What moves

    /// A server's `interval`, or a message without a meaning here, which is ignored.
    mutating func progress(_ message: ControlMessage, _ run: inout ClientRun) -> [Action] {
        guard case .interval(let interval) = message else { return [] }
        return uploadProgress(interval, &run) + downloadProgress(interval, &run)
    }

    private func uploadProgress(_ interval: IntervalMessage, _ run: inout ClientRun) -> [Action] {
        guard let row = run.takeUploadRow(interval) else { return [] }
        run.sending?.rows.append(row)
        // One sample serves all rows that came since the last; it is asked for again only when it has come.
        guard run.samplesUnderWay == 0 else { return [] }
        run.samplesUnderWay = 1
        return [.sample]
    }

    private mutating func downloadProgress(_ interval: IntervalMessage, _ run: inout ClientRun) -> [Action] {
        guard let path = interval.qrate?.path?.measured, run.receiving != nil else { return [] }
        run.receiving?.lastPath = path
        guard let rows = run.receiving?.takeRows(), !rows.isEmpty else { return [] }
        let piece = run.receiving?.trail.next(path)
        return show(rows, path: piece) + [.cancelTimer(.rowPath)]
    }

    private mutating func ownRow(_ row: ReceivedInterval, _ run: inout ClientRun) -> [Action] {
        guard run.receiving != nil else { return [] }
        run.receiving?.received += row.total
        run.receiving?.rows.append(row.report(of: .download))
        guard run.server.speaksQrate else { return show(run.receiving?.takeRows() ?? []) }
        let counts = ReportMessage(
            id: report.id, elapsedMilliseconds: row.end.milliseconds,
            bytesReceived: run.receiving?.received.bytes ?? 0, isFinal: false)
        let isFirst = run.receiving?.rows.count == 1
        return [.send(.report(counts))] + (isFirst ? [.setTimer(.rowPath, Tunables.rowPath)] : [])
    }

    private func windowClosed(_ totals: ReceivedTotals, _ run: inout ClientRun) -> [Action] {
        guard run.close(totals) else { return [] }
        guard run.server.speaksQrate else { return awaitResult(run) }
        let final = ReportMessage(
            id: report.id, elapsedMilliseconds: (totals.duration ?? .zero).milliseconds,
            bytesReceived: totals.everything.bytes, isFinal: true, totals: totals.wireTotals)
        return [.send(.report(final))] + awaitResult(run)
    }

    private func sendersDone(_ run: inout ClientRun) -> [Action] {
        guard run.sending?.isDone == false else { return [] }
        run.sending?.isDone = true
        if run.plan.parameters.settings.probesPathMTU {
            // The search has its result here. Only a cancellation tells xfr's servers that it is over.
            let cancel = CancelMessage(id: report.id, reason: "MTU probe complete")
            return [.send(.cancel(cancel))] + awaitResult(run)
        }
        // xfr's servers know `finish` in tests with a byte budget only; of others they know the end beforehand.
        let isFinishKnown = run.server.speaksQrate || run.plan.limit.byteBudget != nil
        return (isFinishKnown ? [.send(.finish(TestReference(id: report.id)))] : []) + awaitResult(run)
    }

    /// Once this end has nothing left to do, in either direction, the server's last word is due.
    private func awaitResult(_ run: ClientRun) -> [Action] {
        run.isDoneHere ? [.setTimer(.result, Tunables.drain + Tunables.margin)] : []
    }

    private func pause(_ isPaused: Bool, _ run: inout ClientRun) -> [Action] {
        guard run.server.canPause, run.isPaused != isPaused else { return [] }
        run.isPaused = isPaused
        let test = TestReference(id: report.id)
        return [
            .send(isPaused ? .pause(test) : .resume(test)), .setPaused(isPaused),
            isPaused ? .setTimer(.longestPause, Tunables.longestPause) : .cancelTimer(.longestPause),
            .emit(.paused(isPaused)),
        ]
    }

    mutating func sampled(_ sample: PlaneSample, _ run: inout ClientRun) -> [Action] {
        run.take(sample)
        guard let rows = run.sending?.takeRows(), !rows.isEmpty else { return [] }
        return show(rows, path: sample.path.flatMap { run.sending?.trail.next($0) })
    }

    /// Shows and keeps rows of one direction that waited. A path belongs to the newest of them: it was taken last.
    mutating func show(_ waiting: [IntervalReport], path: PathReport? = nil) -> [Action] {
        var rows = waiting
        guard let newest = rows.indices.last else { return [] }
        rows[newest].path = path
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
            let actions = show(run.receiving?.takeRows() ?? [])
            phase = .running(run)
            return actions
        case .drain, .plannedEnd: return run.isWindowClosed ? [] : [.closeWindow]
        case .sendingEnd:
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
        case .longestPause:
            note(
                TestFailure(
                    .failed, "The test was paused for longer than \(Tunables.longestPause.secondsWithoutZeros)."))
            return settle(run, .timedOut)
        case .firstLine, .reply, .longestTest, .finalReport, .cancelGrace, .interval, .foreignEnd, .linger:
            return []
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
        guard server.speaksQrate else { return sending?.foreign.next(interval, plan.parameters) }
        guard var report = try? interval.qrate?.upload?.uploadInterval(), report.start < report.end else { return nil }
        if report.streams.count != plan.streams { report.streams = [] }
        return report
    }

    /// What may still be on its way behind the server's last word. A server that doesn't mark the end of its datagrams
    /// has sent the last of them before.
    var drainAfterResult: Duration {
        server.speaksQrate || plan.parameters.transport.marksStreamEnds ? Tunables.drain : Tunables.datagramDrain
    }
}

extension ClientRun.Sending {
    mutating func takeRows() -> [IntervalReport] {
        defer { rows = [] }
        return rows
    }
}

extension ClientRun.Receiving {
    mutating func takeRows() -> [IntervalReport] {
        defer { rows = [] }
        return rows
    }
}

extension WirePath {
    /// The server's view; nil when it is none.
    var measured: PathReport? { (try? report(observedBy: .server)) ?? nil }
}

extension PeerProtocol {
    var canPause: Bool { announces(Capability.pauseResume) }
}

extension TransportKind {
    /// Whether a receiver learns from the transport itself that there is no more to come.
    var marksStreamEnds: Bool { self != .udp }
}
