import Testing

@testable import QrateReporting

@Suite("text from elsewhere") struct PrintableTextTests {
    @Test(
        "control and format characters are dropped, white space becomes spaces",
        arguments: [
            ("plain – µ … é", "plain – µ … é"), ("a\nb\tc\r\nd", "a b c  d"), ("\u{1B}[31mred", "[31mred"),
            ("\u{9B}31m\u{07}\u{00}x", "31mx"), ("\u{202E}abc\u{2066}", "abc"), ("a\u{2028}b\u{85}c", "a b c"),
            ("zero\u{200B}width\u{FEFF}", "zerowidth"), ("\u{E000}\u{10FFFF}", ""),
        ])
    func clean(text: String, expected: String) {
        #expect(PrintableText.clean(text) == expected)
    }

    @Test("what is too long is cut and says so")
    func cut() {
        #expect(PrintableText.clean("abcde", limit: 5) == "abcde")
        #expect(PrintableText.clean("abcdef", limit: 5) == "abcd…")
        // One character can be any number of scalars.
        #expect(PrintableText.clean("e" + String(repeating: "\u{301}", count: 100_000), limit: 5).utf8.count < 100)
    }
}
