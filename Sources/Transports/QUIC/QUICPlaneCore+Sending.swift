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
        // One connection keeps its budget itself, and so does each flow of datagrams: its last one is made to fit.
        let isShared = connections > 1 && !usesDatagrams
        pace = PayloadPace(
            job.targetBitrate.flatMap { $0.bitsPerSecond > 0 ? $0 : nil },
            sharedBudget: isShared ? job.byteBudget?.bytes : nil, connections: connections, piece: pieceSize, now: now)
        do throws(QUICError) {
            for member in members {
                try begin(member, job, budget: isShared ? nil : budget(of: member, job), now)
                if pace != nil { member.connection.payloadAllowance = 0 }
                if isPaused { member.connection.setPayloadPaused(true, now: now) }
            }
        } catch {
            events.yield(.failed(TransportError(.failed, "\(error)", code: Int64(error.code))))
        }
        finishIfUsedUp()
        touch()
    }

    /// The connection's part of the budget; nil for no limit.
    private func budget(of member: PlaneMember, _ job: SendJob) -> UInt64? {
        guard let total = job.byteBudget?.bytes else { return nil }
        let each = total / UInt64(connections)
        return member.place == 0 ? total - each * UInt64(connections - 1) : each
    }

    private func begin(
        _ member: PlaneMember, _ job: SendJob, budget: UInt64?, _ now: MonotonicTime
    ) throws(QUICError) {
        guard usesDatagrams else {
            return try member.connection.startPayload(
                streams: member.streams.count, kind: kind, content: plan.parameters.payload, byteBudget: budget,
                duration: job.duration, now: now)
        }
        try member.connection.startDatagrams(
            flow: member.place, unit: requestedUnit, content: plan.parameters.payload, byteBudget: budget,
            duration: job.duration, now: now)
    }

    private var requestedUnit: Int? { plan.parameters.settings.payloadUnit.map { Int(clamping: $0.bytes) } }

    /// What can't be divided when it is sent: a datagram, as large as it may get. Bytes of a stream can.
    private var pieceSize: Int {
        guard usesDatagrams else { return 1 }
        let largest = members.map { Int(clamping: $0.connection.settings.maxUDPPayload) }.max() ?? 0
        return min(requestedUnit ?? largest, largest)
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
