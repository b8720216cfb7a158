import QrateMeasurement
import QrateQUICCore
import QrateStatistics
import QrateTransportAPI

extension QUICLane {
    /// How long after its sender's last word a datagram that was overtaken may still come.
    static let stragglers = Duration.milliseconds(250)

    /// A batch that came at `now` is about to be handed to the connection: what came before belongs to an earlier row, if
    /// one has ended since, and neither the first byte nor a budget's last is dated to a later batch of the same turn.
    ///
    /// Otherwise a turn's batches are counted together: the plane's lock is taken once a turn, not per batch.
    func willReceive(now: MonotonicTime) {
        guard plan.receives else { return }
        if !hasCounted || plan.limit.byteBudget != nil { settle() }
        if now >= nextBoundary { passBoundary(now) }
        lastBatch = now
    }

    /// Counts what the batches until now have brought.
    func settle() {
        if let intake {
            guard !intake.isEmpty else { return }
            intake.flush()
            noteFirstPayload()
            nextBoundary = plane.window.tick(at: lastBatch)
        } else if connection.receivedTotal != counted {
            counted = connection.receivedTotal
            noteFirstPayload()
            nextBoundary = plane.window.count(connection.received, streams: streams, at: lastBatch)
        }
    }

    private func noteFirstPayload() {
        guard !hasCounted else { return }
        hasCounted = true
        beginMetering()
    }

    private func passBoundary(_ now: MonotonicTime) {
        settle()
        nextBoundary = plane.window.tick(at: now)
    }

    func measure(_ now: MonotonicTime) {
        settle()
        if now >= nextBoundary { passBoundary(now) }
        if let flowEndedAt, now - flowEndedAt >= Self.stragglers || plane.window.isWhole(flow: place) {
            self.flowEndedAt = nil
            plane.window.noStragglers(stream: place, at: now)
        }
        guard !hasReceived, connection.finishedStreams + connection.resetStreams >= streams.count else { return }
        hasReceived = true
        endMeteringIfDone()
        let resets = connection.resetStreams
        let mayStraggle = intake != nil && resets == 0 && !plane.window.isWhole(flow: place)
        if mayStraggle { flowEndedAt = now }
        plane.window.end(streams: streams, resets: resets, mayStraggle: mayStraggle, at: now)
        nextBoundary = plane.window.tick(at: now)
    }

    /// The flow's sender says how many datagrams it sent.
    func announce(sent: UInt64) {
        guard intake != nil else { return }
        let flow = place
        settle()
        plane.window.countDatagrams(stream: flow, at: lastBatch) { meters in
            meters.announce(flow: flow, sent: sent)
            return 0
        }
    }
}
