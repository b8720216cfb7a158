internal import Glibc
import QrateMeasurement

/// Each pair's ratio and where it lies with 95 % confidence, around the line of no difference.
///
/// The axis is logarithmic: half of it and twice as much are equally far from 1.
struct RatioChart {
    struct Row {
        var name: String
        var ratio: Double
        var interval: RatioInterval
    }

    var rows: [Row]
    /// Within this share of 1 two count as alike.
    var precision: Double

    private static let rowHeight = 50.0
    private static let left = 8.0, right = 10.0, bottom = 34.0
    /// What is farther away is drawn at the edge. It is in words all the same.
    private static let limits = 0.01...100.0

    var markup: Markup {
        let height = Self.rowHeight * Double(rows.count) + Self.bottom
        var drawing = Drawing(height: height, title: "Ratios", description: description)
        let end = height - Self.bottom
        drawing.rectangle(
            x(1 / (1 + precision)), 0, x(1 + precision) - x(1 / (1 + precision)), end, "alike")
        for tick in ticks {
            drawing.line(x(tick), 0, x(tick), end, tick == 1 ? "one" : "grid")
            drawing.text(label(tick), x(tick), end + 14, .middle, "tick")
        }
        drawing.line(Self.left, end, Drawing.width - Self.right, end, "axis")
        for (index, row) in rows.enumerated() {
            let top = Double(index) * Self.rowHeight, middle = top + 31
            drawing.text(row.name, Self.left, top + 14, .start, "name")
            drawing.text(words(row), Drawing.width - Self.right, top + 14, .end, "value")
            drawing.line(x(row.interval.lower), middle, x(row.interval.upper), middle, "interval")
            for bound in [row.interval.lower, row.interval.upper] where span.contains(bound) {
                drawing.line(x(bound), middle - 5, x(bound), middle + 5, "interval")
            }
            drawing.dot(x(row.ratio), middle, radius: 4, "ratio")
        }
        return drawing.markup
    }

    private var description: String {
        rows.map { "\($0.name): \(words($0))" }.joined(separator: "; ")
    }

    private func words(_ row: Row) -> String {
        let bounds = [row.interval.lower, row.interval.upper].map(ComparisonVerdict.ratio)
        return "\(ComparisonVerdict.ratio(row.ratio)) (\(bounds.joined(separator: "–")))"
    }

    /// What the axis shows: all that is known, and no difference.
    private var span: ClosedRange<Double> {
        let known = rows.flatMap { [$0.ratio, $0.interval.lower, $0.interval.upper] }.filter { $0.isFinite && $0 > 0 }
        let least = min(known.min() ?? 1, 1 / (1 + precision)), most = max(known.max() ?? 1, 1 + precision)
        let margin = pow(most / least, 0.06)
        return max(least / margin, Self.limits.lowerBound)...min(most * margin, Self.limits.upperBound)
    }

    /// Multiples of a step where the span is small; 1, 2 and 5 per power of ten where it isn't.
    var ticks: [Double] {
        let span = span
        guard span.upperBound / span.lowerBound > 4 else {
            let step = ChartAxis.step(atLeast: (span.upperBound - span.lowerBound) / 6)
            return stride(from: (span.lowerBound / step).rounded(.up), through: span.upperBound / step, by: 1)
                .map { ($0 * step * 1e6).rounded() / 1e6 }
        }
        let decades = (-2...2).flatMap { power in [1.0, 2, 5].map { $0 * pow(10, Double(power)) } }
        let all = decades.filter { span.contains($0) }
        return all.count <= 7 ? all : all.filter { log10($0) == log10($0).rounded() }
    }

    private func label(_ tick: Double) -> String {
        let text = fixedPoint(tick, decimals: 3)
        let trimmed = text.prefix(text.count - text.reversed().prefix { $0 == "0" }.count)
        return trimmed.hasSuffix(".") ? String(trimmed.dropLast()) : String(trimmed)
    }

    private func x(_ ratio: Double) -> Double {
        let span = span
        let value = ratio.isNaN ? 1 : min(max(ratio, span.lowerBound), span.upperBound)
        let share = log10(value / span.lowerBound) / log10(span.upperBound / span.lowerBound)
        return Self.left + (share.isFinite ? share : 0.5) * (Drawing.width - Self.left - Self.right)
    }
}
