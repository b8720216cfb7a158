import QrateMeasurement

/// What latency probes measured, in sentences.
struct LatencyText {
    private let report: LatencyReport?
    private let transport: TransportKind

    init(_ report: TestReport) {
        self.report = report.latency
        transport = report.parameters.transport
    }

    var lines: [String] {
        series.map(increase) + [variation, responsiveness].compactMap(\.self)
    }

    /// What there is, with how it was measured.
    private var series: [(way: String, figures: LatencyComparison)] {
        var series: [(String, LatencyComparison)] = []
        if let inside = report?.inside {
            let way = transport == .quic ? "in QUIC datagrams" : "on another \(transport.displayName) connection"
            series.append((way, inside))
        }
        if let beside = report?.beside { series.append(("by UDP echo", beside)) }
        return series
    }

    private func increase(_ way: String, _ figures: LatencyComparison) -> String {
        let idle = Figure.latency(figures.idle.roundTrips?.median)
        let loaded = Figure.latency(figures.loaded.roundTrips?.percentile95)
        return
            "latency under load \(Self.signed(figures.percentile95Increase)) (95th percentile) \(way): idle \(idle), "
            + "loaded \(loaded), \(Figure.count(figures.loaded.lost)) of \(Figure.count(figures.loaded.sent)) probes lost"
    }

    /// Which direction has the queue. Of the series that no transport's own waiting is part of, where there is one.
    private var variation: String? {
        guard let (way, figures) = series.last, let upload = figures.loaded.uploadVariation?.percentile95,
            let download = figures.loaded.downloadVariation?.percentile95
        else { return nil }
        return "delay above the fastest probe's, 95 %: \(Figure.latency(upload)) to the server, "
            + "\(Figure.latency(download)) back (\(way))"
    }

    private var responsiveness: String? {
        let figures = series.compactMap { way, figures in
            figures.roundTripsPerMinute.map { "\(fixedPoint($0, decimals: 0)) \(way)" }
        }
        guard !figures.isEmpty else { return nil }
        return "round trips a minute under load: " + figures.joined(separator: ", ")
            + " (a variant of draft-ietf-ippm-responsiveness)"
    }

    static func signed(_ duration: Duration?) -> String {
        guard let duration else { return Figure.absent }
        return duration < .zero ? "-" + Figure.latency(.zero - duration) : "+" + Figure.latency(duration)
    }
}
