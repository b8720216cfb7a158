import QrateMeasurement

/// Cuts a sender's cumulative samples of the path into pieces, one per interval row.
///
/// Counters become the difference to the sample before; what is a state (round-trip times, windows) stays as it is.
struct PathTrail: Sendable {
    private var previous: PathReport?

    mutating func next(_ sample: PathReport) -> PathReport {
        defer { previous = sample }
        guard let previous, previous.end <= sample.end else { return sample }
        var piece = sample
        piece.start = previous.end
        piece.limits = sample.limits.map { limits in previous.limits.map { limits.since($0) } ?? limits }
        switch (previous.metrics, sample.metrics) {
        case (.quic(let before), .quic(var metrics)):
            metrics.streamPacketsLost = growth(metrics.streamPacketsLost, since: before.streamPacketsLost)
            metrics.datagramsSent = growth(metrics.datagramsSent, since: before.datagramsSent)
            metrics.datagramsReceived = growth(metrics.datagramsReceived, since: before.datagramsReceived)
            metrics.sendCalls = growth(metrics.sendCalls, since: before.sendCalls)
            metrics.sendDrops = growth(metrics.sendDrops, since: before.sendDrops)
            metrics.packets = metrics.packets?.since(before.packets)
            piece.metrics = .quic(metrics)
        case (.tcp(let before), .tcp(var metrics)):
            metrics.retransmissions = growth(metrics.retransmissions, since: before.retransmissions)
            metrics.bytesAcknowledged = metrics.bytesAcknowledged.map { $0 - (before.bytesAcknowledged ?? .zero) }
            metrics.busyTime = growth(metrics.busyTime, since: before.busyTime)
            metrics.receiveWindowLimitedTime = growth(
                metrics.receiveWindowLimitedTime, since: before.receiveWindowLimitedTime)
            metrics.sendBufferLimitedTime = growth(metrics.sendBufferLimitedTime, since: before.sendBufferLimitedTime)
            piece.metrics = .tcp(metrics)
        case (.udp(let before), .udp(var metrics)):
            metrics.datagramsSent = growth(metrics.datagramsSent, since: before.datagramsSent)
            metrics.sendDrops = growth(metrics.sendDrops, since: before.sendDrops)
            metrics.reportedReceived = growth(metrics.reportedReceived, since: before.reportedReceived)
            metrics.reportedLost = growth(metrics.reportedLost, since: before.reportedLost)
            piece.metrics = .udp(metrics)
        default: return sample  // a transport doesn't change in mid-test
        }
        return piece
    }

    /// nil when there is no count now; a peer's counter that ran backwards is a growth of nothing.
    private func growth(_ now: Duration?, since before: Duration?) -> Duration? {
        now.map { max(.zero, $0 - (before ?? .zero)) }
    }

    private func growth(_ now: UInt64?, since before: UInt64?) -> UInt64? {
        now.map { $0 - min($0, before ?? 0) }
    }
}
