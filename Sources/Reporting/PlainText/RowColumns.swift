import QrateMeasurement

/// The columns behind what was received: what a transport can tell of a row.
///
/// They are chosen before the first row, so by what is tested and not by what came.
enum RowColumns {
    /// QUIC's sender: round trips, packets with stream data declared lost, congestion window.
    case quic
    /// TCP's sender, also under TLS: round trips, segments sent again, congestion window.
    case tcp
    /// The receiver of datagrams: jitter, what is missing of what was sent, and its share.
    case datagrams

    init(_ parameters: TestParameters) {
        switch parameters.transport {
        case .quic: self = parameters.settings.usesDatagrams ? .datagrams : .quic
        case .tcp, .tls: self = .tcp
        case .udp: self = .datagrams
        }
    }

    /// - Parameter width: Of a column with a time in it, the gap before it included.
    func columns(width: Int) -> [TextTable.Column] {
        switch self {
        case .quic, .tcp:
            let lost = self == .quic ? "lost" : "retr"
            return [
                .init(title: "RTT", width: width), .init(title: "min", width: width), .init(title: lost, width: 8),
                .init(title: "window", width: 11),
            ]
        case .datagrams:
            return [
                .init(title: "jitter", width: width), .init(title: "lost/total", width: 18),
                .init(title: "share", width: 11),
            ]
        }
    }

    /// Of a row.
    func cells(_ path: PathMetrics?, _ datagrams: DatagramReport?) -> [String] {
        switch self {
        case .quic:
            let metrics = Self.quic(path)
            return [
                Figure.latency(metrics?.smoothedRTT), Figure.latency(metrics?.minRTT),
                Figure.count(metrics?.streamPacketsLost), metrics?.congestionWindow?.description ?? Figure.absent,
            ]
        case .tcp:
            let metrics = Self.tcp(path)
            return [
                Figure.latency(metrics?.smoothedRTT), Figure.latency(metrics?.minRTT),
                Figure.count(metrics?.retransmissions), metrics?.congestionWindow?.description ?? Figure.absent,
            ]
        case .datagrams:
            return [Figure.latency(datagrams?.jitter), Self.lost(datagrams), Self.share(datagrams)]
        }
    }

    /// Of the measured window as a whole: a window's size at its end says nothing about it, so that cell is missing.
    func totals(_ path: PathMetrics?, _ datagrams: DatagramReport?, hasWarmUp: Bool) -> [String] {
        var cells = cells(path, datagrams)
        guard self != .datagrams else { return cells }
        cells.removeLast()
        // The sender counts from its start, so with a warm-up its count isn't the window's.
        if hasWarmUp { cells[cells.count - 1] = "" }
        return cells
    }

    private static func quic(_ path: PathMetrics?) -> QUICPathMetrics? {
        if case .quic(let metrics) = path { metrics } else { nil }
    }

    private static func tcp(_ path: PathMetrics?) -> TCPPathMetrics? {
        if case .tcp(let metrics) = path { metrics } else { nil }
    }

    /// A row can take losses of an earlier one back: a count below 0.
    private static func lost(_ datagrams: DatagramReport?) -> String {
        guard let datagrams else { return Figure.absent }
        let lost =
            datagrams.lost < 0 ? "-\(Figure.count(datagrams.lost.magnitude))" : Figure.count(datagrams.lost.magnitude)
        return "\(lost)/\(datagrams.total.map { Figure.count($0) } ?? Figure.absent)"
    }

    private static func share(_ datagrams: DatagramReport?) -> String {
        guard let datagrams, datagrams.lost >= 0 else { return Figure.absent }
        return Figure.share(datagrams.lossRatio)
    }
}

extension DatagramReport {
    /// The sequence numbers that this counts, received or lost; nil when the two don't fit together.
    var total: UInt64? {
        if lost < 0 {
            let (total, overflow) = received.subtractingReportingOverflow(lost.magnitude)
            return overflow ? nil : total
        }
        let (total, overflow) = received.addingReportingOverflow(lost.magnitude)
        return overflow ? nil : total
    }
}
