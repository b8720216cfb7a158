import QrateMeasurement

/// What the rounds' tests of one transport come to.
extension ComparisonReport {
    func figures(_ transport: TransportKind, _ direction: Direction) -> TransportFigures {
        var figures = TransportFigures(transport, direction)
        figures.throughput = rounds.map { $0.throughput(transport, direction) }
        let known = figures.throughput.compactMap(\.self).sorted()
        figures.lowest = known.first
        figures.highest = known.last
        figures.median = known.map { Double($0.bitsPerSecond) }.middle.map {
            Bitrate(bitsPerSecond: UInt64($0.rounded()))
        }
        let tests = rounds.compactMap { $0.test(transport) }
        figures.failures = tests.compactMap(\.failure)
        let done = tests.filter { $0.failure == nil }
        figures.handshake = middle(done.map { $0.handshake?.duration })
        figures.clientCPU = middle(done.map { $0.client.perGigabyte($0) })
        figures.serverCPU = middle(done.map { $0.server?.perGigabyte($0) })
        figures.latencyIncrease = middle(done.map { ($0.latency?.inside ?? $0.latency?.beside)?.percentile95Increase })
        figures.lossRatio = lossRatio(done, direction)
        let limits = done.compactMap { $0.limitVerdict(direction)?.limit }
        let counts = limits.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        // Of equals, the one that came first.
        figures.limit = limits.first { limit in counts[limit] == counts.values.max() }
        return figures
    }

    /// The middle one of what is known.
    private func middle(_ times: [Duration?]) -> Duration? {
        // In seconds, because some may be below zero, and what a server says of itself be longer than nanoseconds can tell.
        times.compactMap { $0?.seconds }.sorted().middle.map { .seconds($0) }
    }

    private func lossRatio(_ tests: [TestReport], _ direction: Direction) -> Double? {
        var lost = 0.0, sent = 0.0
        for test in tests {
            guard let counts = test.lossCounts(direction) else { return nil }
            lost += counts.lost
            sent += counts.sent
        }
        return sent > 0 ? lost / sent : nil
    }
}

extension TestReport {
    /// Packets, in whichever way the transport counts them.
    fileprivate func lossCounts(_ direction: Direction) -> (lost: Double, sent: Double)? {
        if let datagrams = summary(direction)?.datagrams {
            let lost = Double(max(0, datagrams.lost))
            return (lost, lost + Double(datagrams.received))
        }
        switch path(direction)?.metrics {
        case .quic(let quic):
            guard let lost = quic.streamPacketsLost, let sent = quic.datagramsSent else { return nil }
            return (Double(lost), Double(sent))
        case .tcp(let tcp):
            guard let again = tcp.retransmissions, let bytes = tcp.bytesAcknowledged, let size = tcp.maxSegmentSize,
                size > .zero
            else { return nil }
            return (Double(again), Double(again) + Double(bytes.bytes) / Double(size.bytes))
        case .udp, nil: return nil
        }
    }
}

extension EndReport {
    fileprivate func perGigabyte(_ test: TestReport) -> Duration? {
        test.receivedInAll.flatMap { cpu?.perGigabyte(of: $0) }
    }
}

extension [Double] {
    /// Of ascending values the one in the middle, or the mean of the two that are; nil of none.
    var middle: Double? { isEmpty ? nil : (self[(count - 1) / 2] + self[count / 2]) / 2 }
}
