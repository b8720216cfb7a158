import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

// What a plane counted, as a report shows it and as the wire carries it. ControlProtocol knows no planes, so these
// conversions are here.

extension ReceivedInterval {
    var wireRow: WireRow {
        WireRow(start: start, end: end, isWarmUp: isWarmUp, received: streams, datagrams: datagrams)
    }

    func report(of direction: Direction) -> IntervalReport {
        IntervalReport(
            direction, start: start, end: end, isWarmUp: isWarmUp, bytesReceived: total, streams: streams,
            datagrams: datagrams)
    }
}

extension ReceivedTotals {
    /// Everything that arrived, in the window or outside of it.
    var everything: ByteCount { total + warmUp + drained }

    func summary(bytesSent: ByteCount? = nil) -> DirectionSummary {
        DirectionSummary(
            bytesReceived: total, duration: duration, drainedBytes: drained, warmUpBytes: warmUp,
            bytesSent: bytesSent, streams: measured, isComplete: isComplete, datagrams: datagrams,
            steadyState: steadyState)
    }

    var wireTotals: WireTotals { WireTotals(summary()) }
}

extension PlaneSample {
    /// nil when one of the two isn't known.
    func clockStep(since before: Duration?) -> Duration? {
        before.flatMap { before in clockOffset.map { $0 - before } }
    }

    var totalSent: ByteCount? { sent.map { $0.reduce(.zero, +) } }
}

extension ByteCount {
    /// Megabits (10^6) per second, as xfr's fields want it; 0 when no time passed, because they can't be absent.
    func megabitsPerSecond(over duration: Duration?) -> Double {
        guard let duration, let rate = Bitrate(self, over: duration) else { return 0 }
        return Double(rate.bitsPerSecond) / 1e6
    }
}
