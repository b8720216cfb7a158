import QrateMeasurement

/// What went on in the course of the tests of one transport: a thin line per round, and the rounds' median in bold.
struct TimeChart {
    /// One row of a test, or the state at its end.
    struct Point: Sendable, Hashable {
        /// Seconds.
        var start: Double
        var end: Double
        /// In the base unit of the chart's quantity.
        var value: Double
    }

    enum Shape {
        /// A mean over the row: level from its start to its end.
        case steps
        /// The state at the row's end.
        case states
    }

    var name: String
    /// The transport's colour.
    var style: String
    var shape: Shape
    /// Per round.
    var rounds: [[Point]]
    /// Shared by all transports, so that they can be compared.
    var values: ChartAxis
    var seconds: ChartAxis
    /// Seconds.
    var warmUp = 0.0
    var quantity: ChartAxis.Quantity

    private static let height = 178.0
    private static let left = 44.0, right = 8.0, top = 18.0, bottom = 22.0

    var markup: Markup {
        let median = Self.median(rounds)
        var drawing = Drawing(height: Self.height, title: name, description: description(median), style: style)
        frame(&drawing)
        let lines = rounds.filter { !$0.isEmpty }
        if lines.count > 1 {
            // The more lines there are, the fainter each is: what stands out is where many are.
            let opacity = max(0.08, min(0.5, 3 / Double(lines.count)))
            for line in lines { drawing.path(path(line), "round", opacity: opacity) }
        }
        drawing.path(path(median), "median")
        return drawing.markup
    }

    private func description(_ median: [Point]) -> String {
        let count = rounds.count { !$0.isEmpty }
        let values = median.map(\.value)
        guard let first = values.first, let least = values.min(), let most = values.max() else { return "No figures" }
        let subject = count > 1 ? "Median of \(count) rounds" : "The only round"
        guard values.count > 10 else {
            return subject + ", row by row: " + values.map(quantity.words).joined(separator: ", ")
        }
        let last = values[values.count - 1]
        return "\(subject): \(quantity.words(first)) at first, \(quantity.words(last)) at last, "
            + "\(quantity.words(least)) at least, \(quantity.words(most)) at most"
    }

    private func frame(_ drawing: inout Drawing) {
        let bottom = Self.height - Self.bottom, right = Drawing.width - Self.right
        if warmUp > 0 {
            drawing.rectangle(x(0), Self.top, x(warmUp) - x(0), bottom - Self.top, "warm-up")
            drawing.text("warm-up", x(0) + 3, Self.top + 11, .start, "tick")
        }
        for tick in values.ticks {
            drawing.line(Self.left, y(tick.value), right, y(tick.value), tick.value == 0 ? "axis" : "grid")
            drawing.text(tick.label, Self.left - 5, y(tick.value) + 3.5, .end, "tick")
        }
        drawing.text(values.unit, 0, 9, .start, "tick")
        for tick in seconds.ticks {
            drawing.line(x(tick.value), bottom, x(tick.value), bottom + 4, "axis")
            let isLast = tick == seconds.ticks.last
            drawing.text(
                isLast ? "\(tick.label) \(seconds.unit)" : tick.label, min(x(tick.value), right - (isLast ? 6 : 0)),
                bottom + 16, .middle, "tick")
        }
    }

    private func path(_ points: [Point]) -> String {
        var path = ""
        for point in points {
            let start = Drawing.number(x(point.start)), end = Drawing.number(x(point.end))
            let value = Drawing.number(y(point.value))
            switch shape {
            case .steps: path += path.isEmpty ? "M\(start) \(value)H\(end)" : "V\(value)H\(end)"
            // A line without length is a dot: that is what one row alone is.
            case .states: path += path.isEmpty ? "M\(end) \(value)h0" : "L\(end) \(value)"
            }
        }
        return path
    }

    private func x(_ value: Double) -> Double {
        Self.left + seconds.place(value) * (Drawing.width - Self.left - Self.right)
    }

    private func y(_ value: Double) -> Double {
        Self.height - Self.bottom - values.place(value) * (Self.height - Self.top - Self.bottom)
    }

    /// Row by row, as long as half of the rounds have that row.
    static func median(_ rounds: [[Point]]) -> [Point] {
        let rounds = rounds.filter { !$0.isEmpty }
        var median: [Point] = []
        while true {
            let row = rounds.compactMap { $0.count > median.count ? $0[median.count] : nil }
            guard !row.isEmpty, row.count * 2 >= rounds.count else { return median }
            median.append(
                Point(
                    start: middle(row.map(\.start)), end: middle(row.map(\.end)), value: middle(row.map(\.value))))
        }
    }

    private static func middle(_ values: [Double]) -> Double { Quantile.of(values.sorted(), 0.5) ?? 0 }
}

/// Quantiles, interpolated between the nearest two values.
enum Quantile {
    /// - Parameter sorted: Ascending.
    static func of(_ sorted: [Double], _ share: Double) -> Double? {
        guard let last = sorted.indices.last else { return nil }
        let place = Double(last) * min(max(share, 0), 1)
        let below = Int(place.rounded(.down)), above = Int(place.rounded(.up))
        return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
}
