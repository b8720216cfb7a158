import Testing

@testable import QrateReporting

@Suite("text tables") struct TextTableTests {
    private let table = TextTable(columns: [
        .init(title: "name", width: 8, alignment: .left), .init(title: "RTT", width: 8), .init(title: "lost", width: 6),
    ])

    @Test("columns are aligned by characters, not by bytes")
    func alignedByCharacters() {
        #expect(table.heading == "name         RTT  lost")
        #expect(table.row(["a…", "24.1 µs", "–"]) == "a…       24.1 µs     –")
        #expect(table.row(["abcd", "24.1 ms", "0"]) == "abcd     24.1 ms     0")
    }

    @Test("a cell that is too wide stays whole and apart from its neighbour")
    func wideCells() {
        #expect(table.row(["a", "123456789", "1234567"]) == "a       123456789 1234567")
        #expect(table.row(["a longer name", "1", "2"]) == "a longer name       1     2")
        #expect(table.row(["a longer name", "123456789", "2"]) == "a longer name 123456789     2")
    }

    @Test("missing cells leave no trailing space, surplus ones are dropped")
    func countOfCells() {
        #expect(table.row(["abc"]) == "abc")
        #expect(table.row(["abc", "", ""]) == "abc")
        #expect(table.row(["abc", "1", "2", "3"]) == "abc            1     2")
        #expect(table.row([]) == "")
    }
}

@Suite("paragraphs") struct ParagraphTests {
    private let word = String(repeating: "x", count: 39)

    @Test("lines break between words, at 80 columns, and are indented")
    func wraps() {
        #expect(Paragraph.wrap("\(word) \(word)") == "\(word) \(word)\n")
        #expect(Paragraph.wrap("\(word)x \(word)") == "\(word)x \(word)\n")
        #expect(Paragraph.wrap("\(word)x \(word)x") == "\(word)x\n  \(word)x\n")
        #expect(Paragraph.wrap("a") == "a\n")
    }

    @Test("a word that is wider than the line stays whole")
    func wideWord() {
        let wide = String(repeating: "y", count: 100)
        #expect(Paragraph.wrap("a \(wide) b") == "a\n  \(wide)\n  b\n")
    }
}
