import QrateMeasurement

/// What one direction's sender saw of the path over the whole test, in sentences.
struct PathText {
    private let path: PathReport?
    private let parameters: TestParameters

    init(_ report: TestReport, _ direction: Direction) {
        path = report.path(direction)
        parameters = report.parameters
    }

    var lines: [String] {
        guard let path else { return [] }
        switch path.metrics {
        case .quic(let metrics): return quic(metrics, path.observedBy)
        case .tcp(let metrics): return tcp(metrics, path.observedBy)
        case .udp: return []  // what its sender knows beside the receiver, LossText tells
        }
    }

    private func quic(_ metrics: QUICPathMetrics, _ end: Role) -> [String] {
        let rtt = rtt(metrics.smoothedRTT, metrics.minRTT, end)
        // Payload in datagrams is no stream data, and the receiver counts it.
        guard !parameters.settings.usesDatagrams else { return [rtt] }
        // Named in full, because it isn't all losses: the library counts no other packets.
        let lost = "packets whose stream data was declared lost: \(Figure.count(metrics.streamPacketsLost))"
        return [rtt, lost + warmUpIncluded, packets(metrics.packets)].compactMap(\.self)
    }

    /// What became of packets, where their end tells.
    private func packets(_ counts: QUICPacketCounts?) -> String? {
        guard let counts else { return nil }
        let figures = [
            counts.streamBytesResent.map { "sent again \(Figure.bytes(ByteCount($0)))" },
            counts.probeTimeouts.map { "probe timeouts \(Figure.count($0))" },
            counts.acknowledgedPerACK.map { "packets per ACK \(fixedPoint($0, decimals: 1))" },
        ].compactMap(\.self)
        return figures.isEmpty ? nil : figures.joined(separator: ", ") + warmUpIncluded
    }

    private func tcp(_ metrics: TCPPathMetrics, _ end: Role) -> [String] {
        let connections = parameters.streams > 1 ? " (the connections' mean)" : ""
        return [
            rtt(metrics.smoothedRTT, metrics.minRTT, end) + connections,
            "retransmitted segments: \(Figure.count(metrics.retransmissions))\(warmUpIncluded)", limits(metrics),
        ].compactMap(\.self)
    }

    /// What the kernel says that sending waited for, as facts, where this program has no view of its own.
    private func limits(_ metrics: TCPPathMetrics) -> String? {
        guard path?.limits == nil, let busy = metrics.busyTime, busy > .zero else { return nil }
        func share(_ time: Duration?, _ name: String) -> String? {
            time.map { "by the \(name) \(Figure.share(min($0.seconds / busy.seconds, 1)))" }
        }
        let shares = [
            share(metrics.receiveWindowLimitedTime, "receiver's window"),
            share(metrics.sendBufferLimitedTime, "send buffer"),
        ].compactMap(\.self)
        guard !shares.isEmpty else { return nil }
        return "busy for \(Figure.latency(busy)), of that held up " + shares.joined(separator: ", ")
    }

    private func rtt(_ smoothed: Duration?, _ min: Duration?, _ end: Role) -> String {
        "RTT \(Figure.latency(smoothed)) smoothed, \(Figure.latency(min)) minimum, seen by the \(end)"
    }

    /// The sender counts from its start.
    private var warmUpIncluded: String { parameters.warmUp > .zero ? " (warm-up included)" : "" }
}
