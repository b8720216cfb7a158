/// Columns of text, aligned by characters: `–`, `…` and `µ` take one column each.
///
/// It writes one row at a time, because rows are printed while a test runs: the widths are fixed in advance, and a cell
/// that is too wide pushes its own row, never cuts a figure.
struct TextTable {
    struct Column {
        var title: String
        /// In characters, the gap to the column before included.
        var width: Int
        var alignment: Alignment = .right
    }

    enum Alignment { case left, right }

    var columns: [Column]

    var heading: String { row(columns.map(\.title)) }

    /// One line, without its end. Missing cells are empty, surplus ones are ignored; no space trails.
    func row(_ cells: [String]) -> String {
        var line = ""
        for (column, cell) in zip(columns, cells) {
            switch column.alignment {
            case .left:
                line += cell + padding(column.width - cell.count)
            case .right:
                let gap = line.isEmpty || line.hasSuffix(" ") ? 0 : 1
                line += padding(max(column.width - cell.count, gap)) + cell
            }
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    private func padding(_ count: Int) -> String { String(repeating: " ", count: max(count, 0)) }
}
