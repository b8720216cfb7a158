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
                return cancelled(run)
            }
            actions = received(message, &run, now)
        case .plane(.receiving):
            if run.receiving != nil, let planned = run.plannedEnd { actions.append(.setTimer(.plannedEnd, planned)) }
        case .plane(.interval(let row)):
            run.take(row)
            if run.receiving != nil, run.client.speaksQrate { actions.append(.send(run.interval(row))) }
        case .plane(.receiversDone(let totals)), .windowClosed(let totals): run.close(totals)
        case .plane(.sendersDone):
            guard run.sending?.isDone == false else { return [] }
            run.sending?.isDone = true
            if run.client.speaksQrate { actions = [.setTimer(.finalReport, Tunables.drain)] }
        case .plane(.failed(let error)): return endEarly(run, error.failure, .done)
        case .transportFailed(let error): return vanish(run, error.failure)
        case .controlEnded: return vanish(run, TestFailure(.failed, "The client left before the end."))
        case .malformed(let error): return endEarly(run, error.failure, .protocolError)
        case .stopRequested: return endEarly(run, Self.shuttingDown, .shuttingDown)
        case .sampled(let sample):
            run.take(sample)
            if !run.client.speaksQrate {
                actions.append(.send(run.foreignInterval(sample, now: now)))
            } else if run.sending != nil {
                actions.append(.send(run.interval(sent: sample, now: now)))
            }
        case .timer(let name):
            if let failure = overdue(name, run) { return endEarly(run, failure, .timedOut) }
            actions = rung(name, &run, now)
            if name == .foreignEnd { return actions + conclude(run) }
        case .connected, .planeReady, .admission, .usageMeasured, .pauseRequested, .idleMeasured, .latencyMeasured:
            return []
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
            if run.receiving != nil, run.client.speaksQrate, !run.isClientGone {
                actions.append(.send(run.interval(row)))
            }
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
        // A client that isn't qrate would take a reset stream for a broken one.
        if run.sending?.isDone == false {
            actions.append(.stopSending(run.client.speaksQrate ? .abort : .finish))
        }
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

    private mutating func cancelled(_ run: ServerRun) -> [Action] {
        let answer = Action.send(.cancelled(TestReference(id: run.test.id)))
        // A search for the path MTU has no other end.
        if run.plan.parameters.settings.probesPathMTU { return [answer] + conclude(run) }
        let failure = TestFailure(.interrupted, "The client cancelled the test.")
        return [answer] + endEarly(run, failure, .cancelled)
    }

    /// Messages for another test, and those without a meaning here, are ignored, as xfr's server does.
    private func received(_ message: ControlMessage, _ run: inout ServerRun, _ now: MonotonicTime) -> [Action] {
        switch message {
        case .finish(let test) where test.id == run.test.id && run.receiving != nil:
            // In a test without a byte budget, xfr's clients have no business to say it.
            guard run.client.speaksQrate || run.plan.limit.byteBudget != nil else { return [] }
            return [.setTimer(.drain, run.drainAfterFinish)]
        case .report(let report) where report.id == run.test.id && run.sending != nil:
            if report.isFinal {
                run.sending?.finalReport = report.totals
                run.sending?.hasFinalReport = true
                // Its streams have ended, so our own end of sending is due, if not already on its way here.
                return [
                    run.sending?.isDone == true ? .cancelTimer(.finalReport) : .setTimer(.finalReport, Tunables.drain)
                ]
            }
            // One sample answers all reports that came since the last.
            guard run.samplesUnderWay == 0 else { return [] }
            run.samplesUnderWay = 1
            return [.sample]
        case .pause(let test) where test.id == run.test.id: return setPaused(true, &run, now)
        case .resume(let test) where test.id == run.test.id: return setPaused(false, &run, now)
        default: return []
        }
    }

    private func setPaused(_ isPaused: Bool, _ run: inout ServerRun, _ now: MonotonicTime) -> [Action] {
        guard run.clock.isPaused != isPaused else { return [] }
        run.clock.setPaused(isPaused, at: now)
        return [
            .setPaused(isPaused),
            isPaused ? .setTimer(.longestPause, Tunables.longestPause) : .cancelTimer(.longestPause),
        ]
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
        case .longestTest:
            TestFailure(
                .refused,
                "The test ran into this server's limit of \(longestTest.secondsWithoutZeros) (--max-duration).")
        case .longestPause:
            TestFailure(.refused, "The test was paused for longer than \(Tunables.longestPause.secondsWithoutZeros).")
        case .sendingEnd where run.sending?.isDone == false:
            TestFailure(.failed, "The sender did not end at the planned time: the path takes nothing any more.")
        default: nil
        }
    }

    private func rung(_ timer: TimerName, _ run: inout ServerRun, _ now: MonotonicTime) -> [Action] {
        switch timer {
        case .drain, .plannedEnd: return run.isWindowClosed ? [] : [.closeWindow]
        case .finalReport:
            // Without the client's last word, or our own end of sending, the result goes all the same.
            run.sending?.hasFinalReport = true
            guard run.sending?.isDone == false else { return [] }
            run.sending?.isDone = true
            return [.stopSending(.abort)]
        case .interval: return foreignTick(&run, now)
        default: return []
        }
    }

    /// A second of a client's test that isn't qrate is over, or the whole test.
    private func foreignTick(_ run: inout ServerRun, _ now: MonotonicTime) -> [Action] {
        guard !run.isOver(now) else { return [.setTimer(.foreignEnd, run.foreignDrain)] }
        let next = Action.setTimer(.interval, run.clock.untilNextTick(every: Tunables.interval, now))
        guard run.samplesUnderWay == 0 else { return [next] }
        run.samplesUnderWay = 1
        return [.sample, next]
    }
}
