import QrateMeasurement

/// What went on in the course of the tests: rates, round trips, windows. A panel per transport, on common axes.
///
/// Tests that failed are left out, as they are of all figures.
struct CourseSections {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var throughput: PageSection? {
        section(
            "course", "Throughput over time",
            "What the receiver got, row by row (-i). Thin lines are rounds; the bold one is their median.", .bitrate,
            .steps
        ) { row in
            guard let rate = Bitrate(row.bytesReceived, over: row.length) else { return nil }
            return TimeChart.Point(
                start: row.start.seconds, end: row.end.seconds, value: Double(rate.bitsPerSecond))
        }
    }

    var roundTrips: PageSection? {
        state("round-trips", "Round-trip time over time", "The sender's smoothed RTT at each row's end.", .time) {
            metrics in
            switch metrics {
            case .quic(let metrics): metrics.smoothedRTT?.seconds
            case .tcp(let metrics): metrics.smoothedRTT?.seconds
            case .udp: nil
            }
        }
    }

    var windows: PageSection? {
        state("windows", "Congestion window over time", "The sender's, at each row's end.", .bytes) { metrics in
            switch metrics {
            case .quic(let metrics): (metrics.congestionWindow?.bytes).map { Double($0) }
            case .tcp(let metrics): (metrics.congestionWindow?.bytes).map { Double($0) }
            case .udp: nil
            }
        }
    }

    /// A state of the path, which has the sender's clock.
    private func state(
        _ id: String, _ title: String, _ words: String, _ quantity: ChartAxis.Quantity,
        value: @escaping (PathMetrics) -> Double?
    ) -> PageSection? {
        section(id, title, words, quantity, .states) { row in
            guard let path = row.path, let value = value(path.metrics) else { return nil }
            return TimeChart.Point(start: path.start.seconds, end: path.end.seconds, value: value)
        }
    }

    private func section(
        _ id: String, _ title: String, _ words: String, _ quantity: ChartAxis.Quantity, _ shape: TimeChart.Shape,
        point: (IntervalReport) -> TimeChart.Point?
    ) -> PageSection? {
        let panels = report.parameters.directions.flatMap { direction in
            report.parameters.transports.map { transport in
                Panel(transport: transport, direction: direction, rounds: rounds(transport, direction, point))
            }
        }.filter { !$0.rounds.isEmpty }
        guard !panels.isEmpty else { return nil }
        let points = panels.flatMap(\.rounds).flatMap(\.self)
        let values = ChartAxis(quantity, to: points.map(\.value).max() ?? 0)
        let seconds = ChartAxis(seconds: points.map(\.end).max() ?? 0)
        let grids = report.parameters.directions.flatMap { direction in
            PageFigure.grid(
                panels.filter { $0.direction == direction }.map { panel in
                    let name = panel.name(isBidirectional: report.parameters.isBidirectional)
                    let chart = TimeChart(
                        name: "\(title), \(name)", style: panel.transport.rawValue, shape: shape,
                        rounds: panel.rounds, values: values, seconds: seconds,
                        warmUp: report.parameters.test.warmUp.seconds, quantity: quantity)
                    return PageFigure.figure(name, style: chart.style, chart.markup)
                })
        }
        return PageSection(id: id, title: title, content: [.element("p", ["class": "soft"], words)] + grids)
    }

    private struct Panel {
        var transport: TransportKind
        var direction: Direction
        var rounds: [[TimeChart.Point]]

        func name(isBidirectional: Bool) -> String {
            transport.displayName + (isBidirectional ? ", \(direction.rawValue)" : "")
        }
    }

    /// Those that have a point.
    private func rounds(
        _ transport: TransportKind, _ direction: Direction, _ point: (IntervalReport) -> TimeChart.Point?
    ) -> [[TimeChart.Point]] {
        report.rounds.compactMap { round in
            guard let test = round.test(transport), test.failure == nil else { return nil }
            let points = test.intervals.filter { $0.direction == direction }.compactMap(point)
            return points.isEmpty ? nil : points
        }
    }
}
