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
        switch (previous.metrics, sample.metrics) {
        case (.quic(let before), .quic(var metrics)):
            metrics.streamPacketsLost = growth(metrics.streamPacketsLost, since: before.streamPacketsLost)
            metrics.datagramsSent = growth(metrics.datagramsSent, since: before.datagramsSent)
            metrics.datagramsReceived = growth(metrics.datagramsReceived, since: before.datagramsReceived)
            piece.metrics = .quic(metrics)
        }
        return piece
    }

    /// nil when there is no count now; a peer's counter that ran backwards is a growth of nothing.
    private func growth(_ now: UInt64?, since before: UInt64?) -> UInt64? {
        now.map { $0 - min($0, before ?? 0) }
    }
}
