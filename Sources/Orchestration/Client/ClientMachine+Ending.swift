import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// From the end of the payload to the report.
extension ClientMachine {
    // MARK: - Stopped early: the server still owes its counts

    /// Stops both directions here, and waits a while for what the server says.
    mutating func stop(_ run: ClientRun, telling messages: [Action] = []) -> [Action] {
        var run = run
        var actions = messages + run.finishLatency()
        phase = .stopping(run)
        if run.sending != nil { actions.append(.stopSending(.abort)) }
        if !run.isWindowClosed { actions.append(.closeWindow) }
        return actions + [.setTimer(.cancelGrace, Tunables.cancelGrace)]
    }

    mutating func stopping(_ event: SessionEvent, _ run: ClientRun) -> [Action] {
        var run = run
        var actions: [Action] = []
        switch event {
        case .received(.result(let result)):
            run.result = result
            if let ended = result.qrate?.endedEarly {
                note(run.suspicion ?? Self.endedEarly(ended))
            } else {
                run.suspicion = nil  // it was the end of a session whose result was under way
            }
        case .received(.error(let message)): note(message.failure(otherwise: .failed))
        case .received(let message): actions = progress(message, &run)
        case .plane(.interval(let row)): run.receiving?.rows.append(row.report(of: .download))
        case .plane(.receiversDone(let totals)), .windowClosed(let totals): run.close(totals)
        case .sampled(let sample): actions = sampled(sample, &run)
        case .latencyMeasured(let measured): run.latency = .measured(measured)
        case .plane(.failed(let error)): run.suspicion = run.suspicion ?? error.failure
        case .controlEnded, .transportFailed, .malformed, .timer(.cancelGrace): return settle(run, stopReason(run))
        case .stopRequested, .pauseRequested, .plane, .timer, .connected, .planeReady, .admission, .usageMeasured,
            .idleMeasured:
            return []
        }
        if run.isComplete { return actions + settle(run, stopReason(run)) }
        phase = .stopping(run)
        return actions
    }

    /// To xfr a connection ends with "done", however its test did.
    private func stopReason(_ run: ClientRun) -> CloseReason {
        report.failure?.kind == .interrupted && run.server.speaksQrate ? .cancelled : .done
    }

    // MARK: - Settling: the plane's last counts

    /// Asks the plane for its last counts; nothing more comes from the server.
    mutating func settle(_ run: ClientRun, _ reason: CloseReason) -> [Action] {
        var run = run
        if let suspicion = run.suspicion { note(suspicion) }
        var actions = run.finishLatency()
        if run.sending?.isDone == false { actions.append(.stopSending(.abort)) }
        if !run.isWindowClosed { actions.append(.closeWindow) }
        run.samplesUnderWay += 1
        phase = .settling(run, reason)
        return actions + [.sample]
    }

    mutating func settling(_ event: SessionEvent, _ run: ClientRun, _ reason: CloseReason) -> [Action] {
        var run = run
        switch event {
        case .plane(.interval(let row)): run.receiving?.rows.append(row.report(of: .download))
        case .plane(.receiversDone(let totals)), .windowClosed(let totals): run.close(totals)
        case .sampled(let sample): run.take(sample)
        case .latencyMeasured(let measured): run.latency = .measured(measured)
        default: return []
        }
        guard run.samplesUnderWay == 0, run.isWindowClosed, run.isLatencyIn else {
            phase = .settling(run, reason)
            return []
        }
        // The sender's path for the last rows: from the final sample here, or out of the result.
        let here = run.lastSample.path.flatMap { run.sending?.trail.next($0) }
        let there = run.result?.qrate?.path?.measured.flatMap { run.receiving?.trail.next($0) }
        let rows = show(run.sending?.takeRows() ?? [], path: here) + show(run.receiving?.takeRows() ?? [], path: there)
        return rows + summarize(run) + finish(reason)
    }
}
