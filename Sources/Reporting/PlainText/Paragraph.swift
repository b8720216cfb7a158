/// Running text, wrapped between words.
enum Paragraph {
    /// The width of a report, in characters.
    static let width = 80

    /// `text` as lines of at most ``width`` characters, each ended; all but the first are indented by two.
    ///
    /// A word that is wider stays whole: host names and fingerprints are there to be copied.
    static func wrap(_ text: String) -> String {
        var lines: [String] = []
        var line = ""
        // Runs of spaces stay as they are: the first line of a report has one.
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if line.isEmpty {
                line = String(word)
            } else if line.count + 1 + word.count <= width {
                line += " " + word
            } else {
                while line.last == " " { line.removeLast() }
                lines.append(line)
                line = "  " + word
            }
        }
        lines.append(line)
        return lines.map { $0 + "\n" }.joined()
    }
}
