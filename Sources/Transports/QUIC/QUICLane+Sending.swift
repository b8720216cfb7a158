import QrateMeasurement
import QrateQUICCore
import QrateStatistics
import QrateTransportAPI

extension QUICLane {
    /// A peer that stops our streams early says why on the control stream; so long its words may take.
    static let stopGrace = Duration.seconds(1)

    /// The peer grants streams once it has agreed to the test, in the same flight as its control message or later.
    func checkReady(now: MonotonicTime) {
        guard plan.sends, !isReady, connection.canStartPayload(streams: streams.count, kind: plane.kind) else { return }
        isReady = true
        plane.laneIsReady(place, now: now)
    }

    /// All of the plane's connections are ready.
    ///
    /// - Parameter start: The same for all of them: they end together, too.
    func begin(_ job: SendJob, isPaced: Bool, at start: MonotonicTime) {
        guard !isSending, !isStopped else { return }
        isSending = true
        beginMetering()
        self.isPaced = isPaced
        isRatePaced = isPaced && job.targetBitrate != nil
        limits = LimitClock(isPaused ? nil : .idle, at: start)
        do throws(QUICError) {
            try startPayload(job, start)
            if isPaced { connection.payloadAllowance = 0 }
            if isPaused { connection.setPayloadPaused(true, now: start) }
        } catch {
            plane.report(TransportError(.failed, "\(error)", code: Int64(error.code)))
        }
        if isPaced, plane.pacing.isUsedUp { connection.finishPayload() }
        touch()
    }

    private func startPayload(_ job: SendJob, _ start: MonotonicTime) throws(QUICError) {
        let settings = plan.parameters.settings
        guard plane.usesDatagrams else {
            return try connection.startPayload(
                streams: streams.count, kind: plane.kind, content: plan.parameters.payload,
                byteBudget: plane.connections > 1 ? nil : job.byteBudget?.bytes, duration: job.duration, now: start)
        }
        try connection.startDatagrams(
            flow: place, unit: settings.payloadUnit.map { Int(clamping: $0.bytes) }, content: plan.parameters.payload,
            byteBudget: flowBudget(job), duration: job.duration, now: start)
    }

    /// A flow of datagrams keeps its part of the budget by itself: its last one is made to fit. nil for no limit.
    private func flowBudget(_ job: SendJob) -> UInt64? {
        guard let total = job.byteBudget?.bytes else { return nil }
        let each = total / UInt64(plane.connections)
        return place == 0 ? total - each * UInt64(plane.connections - 1) : each
    }

    func settlePace() {
        let outcome = plane.pacing.settle(place, left: connection.payloadAllowance)
        connection.payloadAllowance = 0
        nextGrant = outcome.nextGrant
        if outcome.isUsedUp {
            plane.finishAll()
        } else if outcome.freedForOthers {
            plane.touchAll()
        }
    }

    /// No more payload, in order.
    func finishPayload() {
        connection.finishPayload()
        touch()
    }

    func stopSending(_ how: SendEnd) {
        isStopped = true
        stoppedAt = nil
        switch how {
        case .finish: connection.finishPayload()
        case .abort: connection.abortPayload()
        }
        touch()
    }

    /// The time of a pause counts for nobody.
    func setPaused(_ isPaused: Bool, now: MonotonicTime) {
        guard isPaused != self.isPaused else { return }
        self.isPaused = isPaused
        connection.setPayloadPaused(isPaused, now: now)
        if !hasSent { limits?.limit(by: isPaused ? nil : .cpu, at: now) }
        if plan.receives { nextBoundary = plane.window.tick(at: now) }
        touch()
    }

    /// The peer wants no more of a stream, long before the end of the job.
    func streamStopped(now: MonotonicTime) {
        if stoppedAt == nil, !hasSent { stoppedAt = now }
    }

    func reportSent(_ now: MonotonicTime) {
        if let stoppedAt {
            guard now - stoppedAt >= Self.stopGrace else { return }
            self.stoppedAt = nil
            return plane.failed(TransportError(.failed, "the peer stopped taking payload before the test's end"))
        }
        guard connection.isPayloadSent == true else { return }
        hasSent = true
        endMeteringIfDone()
        if isPaced { plane.pacing.leave(place) }
        plane.laneHasSent(place)
    }
}
