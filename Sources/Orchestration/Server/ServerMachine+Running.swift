import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// While the plane is open.
extension ServerMachine {
    mutating func running(_ event: SessionEvent, _ run: ServerRun, _ now: MonotonicTime) -> [Action] {
        var run = run
        var actions: [Action] = []
        switch event {
        case .received(let message):
            if case .cancel(let cancel) = message, cancel.id == run.test.id {
                let failure = TestFailure(.interrupted, "The client cancelled the test.")
                return [.send(.cancelled(TestReference(id: run.test.id)))] + endEarly(run, failure, .cancelled)
            }
            actions = received(message, &run)
        case .plane(.receiving):
            if run.receiving != nil, let planned = run.plannedEnd { actions.append(.setTimer(.plannedEnd, planned)) }
        case .plane(.interval(let row)):
            if run.receiving != nil { actions.append(.send(run.interval(row))) }
        case .plane(.receiversDone(let totals)), .windowClosed(let totals): run.close(totals)
        case .plane(.sendersDone):
            guard run.sending?.isDone == false else { return [] }
            run.sending?.isDone = true
            actions = [.cancelTimer(.interval), .setTimer(.drain, Tunables.drain)]
        case .plane(.failed(let error)): return endEarly(run, error.failure, .done)
        case .transportFailed(let error): return vanish(run, error.failure)
        case .controlEnded: return vanish(run, TestFailure(.failed, "The client left before the end."))
        case .malformed(let error): return endEarly(run, error.failure, .protocolError)
        case .stopRequested: return endEarly(run, Self.shuttingDown, .shuttingDown)
        case .sampled(let sample):
            run.take(sample)
            if run.sending != nil { actions.append(.send(run.interval(sent: sample, now: now))) }
        case .timer(let name):
            if let failure = overdue(name, run) { return endEarly(run, failure, .timedOut) }
            // Without the client's last word, if that is what is missing, the result goes all the same.
            if name == .drain || name == .plannedEnd { return run.isWindowClosed ? conclude(run) : [.closeWindow] }
            if name == .interval { actions = sampleRegularly(&run) }
        case .connected, .planeReady, .admission: return []
        }
        if run.isComplete { return actions + conclude(run) }
        phase = .running(run)
        return actions + signOfLife(event, run)
    }

    mutating func concluding(_ event: SessionEvent, _ run: ServerRun, _ now: MonotonicTime) -> [Action] {
        var run = run
        var actions: [Action] = []
        switch event {
        case .plane(.interval(let row)):
            // The last one, which the end of the window has cut short.
            if run.receiving != nil, !run.isClientGone { actions.append(.send(run.interval(row))) }
        case .plane(.receiversDone(let totals)), .windowClosed(let totals): run.close(totals)
        case .sampled(let sample): run.take(sample)
        case .transportFailed(let error): run.loseClient(error.failure)
        case .controlEnded: run.loseClient(TestFailure(.failed, "The client left before the result."))
        default: return []
        }
        guard run.samplesUnderWay == 0, run.isWindowClosed else {
            phase = .concluding(run)
            return actions
        }
        actions.append(.emit(.finished(run.test, run.counts)))
        if run.isClientGone {
            phase = .finished
            return actions + [.finish(.done)]
        }
        phase = .lingering(run.closeReason)
        // xfr's client takes an error for the end and would not look at the result; the user who cancelled knows why.
        if let failure = run.failure, failure.kind != .interrupted, run.client.speaksQrate {
            actions.append(.send(.error(ErrorMessage(failure))))
        }
        return actions + [.send(run.result(now: now)), .setTimer(.linger, Tunables.linger)]
    }

    // MARK: - From one to the next

    /// Asks the plane for its last counts.
    private mutating func conclude(_ run: ServerRun) -> [Action] {
        var run = run
        run.samplesUnderWay += 1
        phase = .concluding(run)
        var actions: [Action] = [.cancelTimer(.interval)]
        if run.sending?.isDone == false { actions.append(.stopSending(.abort)) }
        if !run.isWindowClosed { actions.append(.closeWindow) }
        return actions + [.sample]
    }

    private mutating func endEarly(_ run: ServerRun, _ failure: TestFailure, _ reason: CloseReason) -> [Action] {
        var run = run
        run.failure = failure
        run.closeReason = reason
        return conclude(run)
    }

    /// Nobody is there to be told anything; the counts are for the log.
    private mutating func vanish(_ run: ServerRun, _ failure: TestFailure) -> [Action] {
        var run = run
        run.loseClient(failure)
        return conclude(run)
    }

    // MARK: - What moves

    /// Messages for another test, and those without a meaning here, are ignored, as xfr's server does.
    private mutating func received(_ message: ControlMessage, _ run: inout ServerRun) -> [Action] {
        switch message {
        case .finish(let test) where test.id == run.test.id && run.receiving != nil:
            return [.setTimer(.drain, Tunables.drain)]
        case .report(let report) where report.id == run.test.id && run.sending != nil:
            if report.isFinal {
                run.sending?.finalReport = report.totals
                run.sending?.hasFinalReport = true
                // Its streams have ended, so our own end of sending is due, if not already on its way here.
                return [.setTimer(.drain, Tunables.drain)]
            }
            // One sample answers all reports that came since the last.
            guard run.samplesUnderWay == 0 else { return [] }
            run.samplesUnderWay = 1
            return [.sample]
        default: return []
        }
    }

    /// A client that only sends shows life through payload, one that only receives through reports. A row without
    /// payload shows only that our own plane is alive.
    private func signOfLife(_ event: SessionEvent, _ run: ServerRun) -> [Action] {
        switch event {
        case .plane(.interval(let row)) where row.total == .zero: []
        case .received, .plane: run.expectsSignsOfLife ? [.setTimer(.idle, run.idleLimit)] : []
        default: []
        }
    }

    // MARK: - Time

    /// Why the test is over although nobody ended it, or nil.
    private func overdue(_ timer: TimerName, _ run: ServerRun) -> TestFailure? {
        switch timer {
        case .idle: TestFailure(.failed, "Nothing was heard from the client for \(run.idleLimit).")
        case .longestTest: TestFailure(.refused, "The test ran into this server's limit (--max-duration).")
        case .plannedEnd where run.isWindowClosed && run.sending?.isDone == false:
            TestFailure(.failed, "The sender did not end at the planned time: the path takes nothing any more.")
        default: nil
        }
    }

    /// For clients that send no reports to be answered.
    private func sampleRegularly(_ run: inout ServerRun) -> [Action] {
        guard run.sending?.isDone == false else { return [] }
        let next = Action.setTimer(.interval, Tunables.interval)
        guard run.samplesUnderWay == 0 else { return [next] }
        run.samplesUnderWay = 1
        return [.sample, next]
    }
}
