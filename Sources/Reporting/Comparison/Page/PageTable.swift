/// A table of a page. It scrolls by itself where the screen is too narrow, so that the page needn't.
struct PageTable {
    struct Column {
        var title: String
        /// Figures stand at the right, so that their places are below each other.
        var isFigure = true
    }

    struct Cell {
        var text: String
        var rows = 1
        var columns = 1
        var isHeading = false
        /// As a transport's colour.
        var style: String?
    }

    /// What the table holds, for those who don't see it, too.
    var caption: String
    var columns: [Column]
    /// Rows that belong together, as those of a round.
    var groups: [[[Cell]]]

    var markup: Markup {
        let hasHead = columns.contains { !$0.title.isEmpty }
        let head = columns.map { Markup.element("th", ["scope": "col", "class": $0.isFigure ? "n" : nil], $0.title) }
        let bodies = groups.map { rows in
            Markup.element("tbody", [:], rows.map { Markup.element("tr", [:], cells($0)) } + [.newline])
        }
        let table: [Markup] =
            [.element("caption", [:], caption)] + (hasHead ? [.element("thead", [:], [.element("tr", [:], head)])] : [])
            + bodies
        // What can be scrolled must be reachable by keyboard.
        return .element(
            "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption],
            [.element("table", [:], table)])
    }

    /// A cell belongs to the column counted from the right, because a heading may stand over several rows at the left.
    private func cells(_ row: [Cell]) -> [Markup] {
        let missing = max(columns.count - row.reduce(0) { $0 + $1.columns }, 0)
        var column = missing
        return row.map { cell in
            let isFigure = columns.indices.contains(column) && columns[column].isFigure && cell.columns == 1
            column += cell.columns
            let styles = [isFigure ? "n" : nil, cell.style].compactMap(\.self).joined(separator: " ")
            let rows = cell.rows > 1 ? "\(cell.rows)" : nil
            let columns = cell.columns > 1 ? "\(cell.columns)" : nil
            let style = styles.isEmpty ? nil : styles
            return cell.isHeading
                ? .element(
                    "th", ["scope": cell.rows > 1 ? "rowgroup" : "row", "rowspan": rows, "class": style], cell.text)
                : .element("td", ["colspan": columns, "rowspan": rows, "class": style], cell.text)
        }
    }
}
