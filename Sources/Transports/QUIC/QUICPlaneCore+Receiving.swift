import QrateMeasurement
import QrateQUICCore
import QrateStatistics
import QrateTransportAPI

extension QUICPlaneCore {
    func willReceive(_ connection: QUICConnection, now: MonotonicTime) {
        guard plan.receives else { return }
        settle(connection)
        lastBatch = now
        if meter.isDue(at: now) { publish(meter.advance(to: now, counters: counters)) }
    }

    /// How long after its sender's last word a datagram that was overtaken may still come.
    static let stragglers = Duration.milliseconds(250)

    private func total(_ connection: QUICConnection) -> UInt64 {
        if let intake { return intake.total }
        return connections == 1 ? connection.receivedTotal : members.receivedTotal
    }

    /// Opens the window at the batch that brought the first payload byte, and closes it at the one that brought the last
    /// byte of a budget. Asked before each batch, so that neither is dated to a later one of the same turn.
    private func settle(_ connection: QUICConnection) {
        let total = total(connection)
        if !meter.isOpen, total > 0 { meter.open(at: lastBatch) }
        if !meter.isClosed, meter.budgetIsIn(total) { publish(meter.close(at: lastBatch, counters: counters)) }
    }

    func measure(_ connection: QUICConnection, now: MonotonicTime) {
        settle(connection)
        if meter.isOpen, !hasReportedReceiving {
            hasReportedReceiving = true
            events.yield(.receiving)
            touch()  // the first boundary is every connection's deadline now
        }
        if meter.isDue(at: now) { publish(meter.advance(to: now, counters: counters)) }
        guard !hasReportedReceived, members.finishedStreams + members.resetStreams >= plan.streams else { return }
        // The senders' clocks end a timed test about when the window closes: it is kept open to its planned end.
        // Nothing more can come when there is no planned end, or when the sender gave up.
        let endsByItself = meter.isOpen && plan.limit.duration != nil && members.resetStreams == 0
        if !meter.isClosed, !endsByItself { publish(meter.close(at: now, counters: counters)) }
        if let intake, !intake.isWhole, members.resetStreams == 0 {
            let since = flowsEndedAt ?? now
            flowsEndedAt = since
            guard now - since >= Self.stragglers else { return }
        }
        guard meter.isClosed else { return }
        hasReportedReceived = true
        events.yield(.receiversDone(totals()))
    }

    /// Closes the window now.
    func closeWindow(now: MonotonicTime) -> ClosedWindow {
        publish(meter.close(at: now, counters: counters))
        return ClosedWindow(totals(), rowCount: rowCount)
    }

    private func totals() -> ReceivedTotals {
        let totals = meter.totals(counters: counters)
        return ReceivedTotals(
            measured: totals.measured, warmUp: totals.warmUp, drained: totals.drained, duration: totals.duration,
            isComplete: members.finishedStreams >= plan.streams, datagrams: intake?.totals())
    }

    func publish(_ rows: [ReceiveMeter.Row]) {
        rowCount += rows.count
        for row in rows {
            events.yield(
                .interval(
                    ReceivedInterval(
                        start: row.start, end: row.end, isWarmUp: row.isWarmUp, streams: row.streams,
                        datagrams: intake?.endRow(isWarmUp: row.isWarmUp))))
        }
    }
}
