/// Finds the word that somebody meant.
enum NearMiss {
    /// The candidate that differs from `text` in one letter: missing, added, swapped or wrong. nil for a match, too.
    static func find(_ text: String, among candidates: [String]) -> String? {
        candidates.first { $0 != text && distance(Array(text.lowercased()), Array($0)) <= 1 }
    }

    /// Optimal string alignment distance.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var rows = [Array(0...b.count)]
        for i in 1..<(a.count + 1) {
            var row = [i]
            for j in 1..<(b.count + 1) {
                let cost = a[i - 1] == b[j - 1] ? 0 : 1
                var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
