import QrateMeasurement

/// An inline drawing (SVG), with what it shows in words for those who don't see it.
///
/// Its units are pixels of a narrow screen, so that it is as readable there as elsewhere: it grows and shrinks but little.
struct Drawing {
    static let width = 340.0

    var height: Double
    /// One line, and what can be read off it.
    var title: String
    var description: String
    /// `currentColor` in it.
    var style: String?
    var shapes: [Markup] = []

    var markup: Markup {
        .element(
            "svg",
            [
                "viewBox": "0 0 \(Self.number(Self.width)) \(Self.number(height))", "role": "img", "class": style,
                "aria-label": "\(title). \(description)",
            ],
            [.element("title", [:], title), .element("desc", [:], description)] + shapes)
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
        shapes.append(
            .element(
                "line",
                [
                    "x1": Self.number(x1), "y1": Self.number(y1), "x2": Self.number(x2), "y2": Self.number(y2),
                    "class": style,
                ]))
    }

    mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String) {
        shapes.append(
            .element(
                "rect",
                [
                    "x": Self.number(x), "y": Self.number(y), "width": Self.number(max(width, 0)),
                    "height": Self.number(max(height, 0)), "class": style,
                ]))
    }

    mutating func dot(_ x: Double, _ y: Double, radius: Double, _ style: String) {
        shapes.append(
            .element(
                "circle", ["cx": Self.number(x), "cy": Self.number(y), "r": Self.number(radius), "class": style]))
    }

    mutating func path(_ path: String, _ style: String, opacity: Double? = nil) {
        shapes.append(
            .element(
                "path", ["d": path, "class": style, "stroke-opacity": opacity.map { fixedPoint($0, decimals: 2) }]))
    }

    enum Anchor: String { case start, middle, end }

    mutating func text(_ text: String, _ x: Double, _ y: Double, _ anchor: Anchor, _ style: String? = nil) {
        shapes.append(
            .element(
                "text",
                [
                    "x": Self.number(x), "y": Self.number(y),
                    "text-anchor": anchor == .start ? nil : anchor.rawValue, "class": style,
                ], text))
    }

    /// A place, to a tenth of a pixel.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let text = fixedPoint(min(max(value, -1e4), 1e4), decimals: 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
