import QrateMeasurement

/// A figure of every round, per transport: each round a dot, and a box from the lower to the upper quartile around the
/// median.
struct RoundsChart {
    struct Row {
        var name: String
        /// The transport's colour.
        var style: String
        /// Per round that has one, in base units.
        var values: [Double]
    }

    var title: String
    var rows: [Row]
    var quantity: ChartAxis.Quantity

    private static let rowHeight = 50.0, boxHeight = 20.0
    private static let left = 8.0, right = 10.0, bottom = 34.0
    /// With fewer rounds the dots say it all.
    private static let fewestForBox = 5

    private var axis: ChartAxis { ChartAxis(quantity, around: rows.flatMap(\.values), ticks: 5) }

    /// Otherwise differences look larger than they are.
    var beginsAtNothing: Bool { axis.lower == 0 }
    var hasBoxes: Bool { rows.contains { $0.values.count >= Self.fewestForBox } }

    var markup: Markup {
        let axis = axis
        let height = Self.rowHeight * Double(rows.count) + Self.bottom
        var drawing = Drawing(height: height, title: title, description: description)
        let end = height - Self.bottom
        for tick in axis.ticks { drawing.line(x(tick.value, axis), 0, x(tick.value, axis), end, "grid") }
        drawing.line(Self.left, end, Drawing.width - Self.right, end, "axis")
        for (index, tick) in axis.ticks.enumerated() {
            let isLast = index == axis.ticks.count - 1
            let place = x(tick.value, axis)
            drawing.text(tick.label, place, end + 14, .middle, "tick")
            if isLast { drawing.text(axis.unit, Drawing.width - Self.right, end + 28, .end, "tick") }
        }
        for (index, row) in rows.enumerated() { draw(row, top: Double(index) * Self.rowHeight, axis, &drawing) }
        return drawing.markup
    }

    private var description: String {
        rows.map { row in
            let sorted = row.values.sorted()
            guard let median = Quantile.of(sorted, 0.5), let least = sorted.first, let most = sorted.last else {
                return "\(row.name): no figures"
            }
            return
                "\(row.name): median \(quantity.words(median)), \(quantity.words(least)) to \(quantity.words(most)) in \(sorted.count) "
                + (sorted.count == 1 ? "round" : "rounds")
        }.joined(separator: "; ")
    }

    private func draw(_ row: Row, top: Double, _ axis: ChartAxis, _ drawing: inout Drawing) {
        let sorted = row.values.sorted()
        let middle = top + 20 + Self.boxHeight / 2
        drawing.text(row.name, Self.left, top + 14, .start, "name \(row.style)")
        guard let median = Quantile.of(sorted, 0.5), let least = sorted.first, let most = sorted.last else {
            drawing.text("no figures", Drawing.width - Self.right, top + 14, .end, "tick")
            return
        }
        drawing.text(quantity.words(median), Drawing.width - Self.right, top + 14, .end, "value")
        if sorted.count >= Self.fewestForBox, let lower = Quantile.of(sorted, 0.25),
            let upper = Quantile.of(sorted, 0.75)
        {
            drawing.line(x(least, axis), middle, x(most, axis), middle, "whisker \(row.style)")
            drawing.rectangle(
                x(lower, axis), middle - Self.boxHeight / 2, x(upper, axis) - x(lower, axis), Self.boxHeight,
                "box \(row.style)")
        }
        // Dots of like values lie beside each other, always in the same way.
        for (index, value) in row.values.enumerated() {
            let offset = (Double(index) * 0.618_034).truncatingRemainder(dividingBy: 1) - 0.5
            drawing.dot(x(value, axis), middle + offset * (Self.boxHeight - 4), radius: 2.2, "dot \(row.style)")
        }
        let place = x(median, axis)
        drawing.line(
            place, middle - Self.boxHeight / 2 - 2, place, middle + Self.boxHeight / 2 + 2, "middle \(row.style)")
    }

    private func x(_ value: Double, _ axis: ChartAxis) -> Double {
        Self.left + axis.place(value) * (Drawing.width - Self.left - Self.right)
    }
}
