import QrateMeasurement
import QrateQUICCore
import QrateStatistics
import QrateTransportAPI

extension QUICPlaneCore {
    /// A peer that stops our streams early says why on the control stream; so long its words may take.
    static let stopGrace = Duration.seconds(1)

    func start(_ job: SendJob, now: MonotonicTime) {
        guard plan.sends, sendingSince == nil else { return }
        waitingJob = job
        startIfAllowed(now: now)
    }

    /// The peer grants streams once it has agreed to the test, in the same flight as its control message or later.
    func startIfAllowed(now: MonotonicTime) {
        guard let job = waitingJob, members.count == connections,
            members.allSatisfy({ $0.connection.canStartPayload(streams: $0.streams.count, kind: kind) })
        else { return }
        waitingJob = nil
        sendingSince = now
        // One connection keeps its budget itself.
        let isShared = connections > 1
        pace = PayloadPace(
            job.targetBitrate.flatMap { $0.bitsPerSecond > 0 ? $0 : nil },
            sharedBudget: isShared ? job.byteBudget?.bytes : nil, connections: connections, now: now)
        do throws(QUICError) {
            for member in members {
                try member.connection.startPayload(
                    streams: member.streams.count, kind: kind, content: plan.parameters.payload,
                    byteBudget: isShared ? nil : job.byteBudget?.bytes, duration: job.duration, now: now)
                if pace != nil { member.connection.payloadAllowance = 0 }
                if isPaused { member.connection.setPayloadPaused(true, now: now) }
            }
        } catch {
            events.yield(.failed(TransportError(.failed, "\(error)", code: Int64(error.code))))
        }
        finishIfUsedUp()
        touch()
    }

    func stopSending(_ how: SendEnd) {
        waitingJob = nil
        stoppedAt = nil
        for member in members {
            switch how {
            case .finish: member.connection.finishPayload()
            case .abort: member.connection.abortPayload()
            }
        }
        touch()
    }

    /// The time of a pause counts for nobody.
    func setPaused(_ isPaused: Bool, now: MonotonicTime) {
        guard isPaused != self.isPaused else { return }
        self.isPaused = isPaused
        for member in members { member.connection.setPayloadPaused(isPaused, now: now) }
        if plan.receives {
            if meter.isDue(at: now) { publish(meter.advance(to: now, counters: counters)) }
            if isPaused { meter.pause(at: now) } else { meter.resume(at: now) }
        }
        if !isPaused { pace?.skip(to: now) }
        touch()
    }

    func settlePace(_ connection: QUICConnection, _ place: Int) {
        pace?.settle(place, left: connection.payloadAllowance)
        connection.payloadAllowance = 0
        finishIfUsedUp()
    }

    private func finishIfUsedUp() {
        guard pace?.isUsedUp == true else { return }
        for member in members { member.connection.finishPayload() }
        touch()
    }

    /// The peer wants no more of a stream, long before the end of the job.
    func streamStopped(now: MonotonicTime) {
        if stoppedAt == nil, !hasReportedSent { stoppedAt = now }
    }

    func reportSent(_ now: MonotonicTime) {
        if let stoppedAt {
            guard now - stoppedAt >= Self.stopGrace else { return }
            return failed(TransportError(.failed, "the peer stopped taking payload before the test's end"))
        }
        guard members.allSatisfy({ $0.connection.isPayloadSent == true }) else { return }
        hasReportedSent = true
        events.yield(.sendersDone)
    }
}
