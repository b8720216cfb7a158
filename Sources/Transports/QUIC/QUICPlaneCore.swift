import QrateMeasurement
import QrateQUICCore
import QrateSockets
import QrateStatistics
import QrateTransportAPI

/// The data plane's half on the endpoint's thread: opens and fills the data streams, and measures what arrives.
final class QUICPlaneCore {
    let plan: DataPlan
    private let events: AsyncStream<PlaneEvent>.Continuation
    private var meter: ReceiveMeter
    /// Waits until the peer allows enough streams.
    private var waitingJob: SendJob?
    private var sendingSince: MonotonicTime?
    private var hasReportedSent = false
    private var hasReportedReceiving = false
    private var hasReportedReceived = false
    private var rowCount = 0
    private var lastBatch = MonotonicTime(nanoseconds: 0)
    /// What the connection had counted before this test.
    private let baseline: QUICPathMetrics

    init(_ plan: DataPlan, _ events: AsyncStream<PlaneEvent>.Continuation, _ connection: QUICConnection) {
        self.plan = plan
        self.events = events
        baseline = connection.pathMetrics()
        meter = ReceiveMeter(
            streams: plan.streams, warmUp: plan.warmUp, interval: plan.interval, duration: plan.limit.duration,
            byteBudget: plan.limit.byteBudget)
        if plan.receives { connection.allowPayload(streams: plan.streams) }
    }

    // MARK: Sending

    func start(_ job: SendJob, _ connection: QUICConnection, now: MonotonicTime) {
        guard plan.sends, sendingSince == nil else { return }
        waitingJob = job
        startIfAllowed(connection, now: now)
    }

    /// The peer grants streams once it has agreed to the test, in the same flight as its control message or later.
    func startIfAllowed(_ connection: QUICConnection, now: MonotonicTime) {
        guard let job = waitingJob, connection.availableStreams >= plan.streams else { return }
        waitingJob = nil
        sendingSince = now
        do throws(QUICError) {
            try connection.startPayload(
                streams: plan.streams, byteBudget: job.byteBudget?.bytes, duration: job.duration, now: now)
        } catch {
            events.yield(.failed(TransportError(.failed, "\(error)", code: Int64(error.code))))
        }
    }

    func stopSending(_ how: SendEnd, _ connection: QUICConnection) {
        waitingJob = nil
        switch how {
        case .finish: connection.finishPayload()
        case .abort: connection.abortPayload()
        }
    }

    // MARK: Receiving

    var deadline: MonotonicTime { meter.nextBoundary }

    func willReceive(_ connection: QUICConnection, now: MonotonicTime) {
        settle(connection)
        lastBatch = now
        if meter.isDue(at: now) { publish(meter.advance(to: now, counters: connection.received)) }
    }

    func didTurn(_ connection: QUICConnection, now: MonotonicTime) {
        if plan.receives { measure(connection, now: now) }
        if plan.sends, !hasReportedSent, connection.isPayloadSent == true {
            hasReportedSent = true
            events.yield(.sendersDone)
        }
    }

    /// Opens the window at the batch that brought the first payload byte, and closes it at the one that brought the last
    /// byte of a budget. Asked before each batch, so that neither is dated to a later one of the same turn.
    private func settle(_ connection: QUICConnection) {
        if !meter.isOpen, connection.receivedTotal > 0 { meter.open(at: lastBatch) }
        if !meter.isClosed, meter.budgetIsIn(connection.receivedTotal) {
            publish(meter.close(at: lastBatch, counters: connection.received))
        }
    }

    private func measure(_ connection: QUICConnection, now: MonotonicTime) {
        settle(connection)
        if meter.isOpen, !hasReportedReceiving {
            hasReportedReceiving = true
            events.yield(.receiving)
        }
        if meter.isDue(at: now) { publish(meter.advance(to: now, counters: connection.received)) }
        guard !hasReportedReceived, connection.finishedStreams + connection.resetStreams >= plan.streams else { return }
        // The senders' clocks end a timed test about when the window closes: it is kept open to its planned end.
        // Nothing more can come when there is no planned end, or when the sender gave up.
        let endsByItself = meter.isOpen && plan.limit.duration != nil && connection.resetStreams == 0
        if !meter.isClosed, !endsByItself { publish(meter.close(at: now, counters: connection.received)) }
        guard meter.isClosed else { return }
        hasReportedReceived = true
        events.yield(.receiversDone(totals(connection)))
    }

    /// Closes the window now.
    func closeWindow(_ connection: QUICConnection, now: MonotonicTime) -> ClosedWindow {
        publish(meter.close(at: now, counters: connection.received))
        return ClosedWindow(totals(connection), rowCount: rowCount)
    }

    private func totals(_ connection: QUICConnection) -> ReceivedTotals {
        let totals = meter.totals(counters: connection.received)
        return ReceivedTotals(
            measured: totals.measured, warmUp: totals.warmUp, drained: totals.drained, duration: totals.duration,
            isComplete: connection.finishedStreams >= plan.streams)
    }

    private func publish(_ rows: [ReceiveMeter.Row]) {
        rowCount += rows.count
        for row in rows {
            events.yield(
                .interval(
                    ReceivedInterval(start: row.start, end: row.end, isWarmUp: row.isWarmUp, streams: row.streams)))
        }
    }

    // MARK: Ending and sampling

    func failed(_ error: TransportError) {
        events.yield(.failed(error))
        events.finish()
    }

    func ended() { events.finish() }

    func sample(_ connection: QUICConnection, _ socket: DatagramSocket, now: MonotonicTime) -> PlaneSample {
        var settings = EffectiveSettings()
        settings.congestionController = connection.congestionController.rawValue
        settings.maxUDPPayload = connection.pathMetrics().maxUDPPayload
        settings.segmentationOffload = socket.usesSegmentation
        settings.receiveOffload = socket.coalescesReceives
        settings.sendBuffer = ByteCount(UInt64(socket.grantedSendBuffer))
        settings.receiveBuffer = ByteCount(UInt64(socket.grantedReceiveBuffer))
        settings.explicitCongestionNotification = connection.ecnValidated
        return PlaneSample(
            sent: connection.sent.map { $0.map { ByteCount($0) } }, path: path(connection, now: now),
            settings: settings)
    }

    private func path(_ connection: QUICConnection, now: MonotonicTime) -> PathReport? {
        guard let start = plan.sends ? sendingSince : meter.openedAt else { return nil }
        var metrics = connection.pathMetrics()
        metrics.datagramsSent = difference(metrics.datagramsSent, baseline.datagramsSent)
        metrics.datagramsReceived = difference(metrics.datagramsReceived, baseline.datagramsReceived)
        return PathReport(observedBy: plan.role, start: .zero, end: now - start, metrics: .quic(metrics))
    }

    private func difference(_ now: UInt64?, _ before: UInt64?) -> UInt64? {
        guard let now, let before, now >= before else { return now }
        return now - before
    }
}
