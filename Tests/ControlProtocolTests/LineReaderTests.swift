import QrateControlProtocol
import Testing

@Suite("line reader") struct LineReaderTests {
    /// All lines that are complete now.
    private func drain(_ reader: inout LineReader) throws(ControlError) -> [String] {
        var lines: [String] = []
        while let line = try reader.nextLine() { lines.append(String(decoding: line, as: UTF8.self)) }
        return lines
    }

    private func bytes(_ count: Int) -> [UInt8] { Array(repeating: UInt8(ascii: "x"), count: count) }

    @Test("a conversation cut in two at any byte gives the same lines", arguments: Fixture.allCases)
    func everySplit(fixture: Fixture) throws {
        let conversation = try fixture.bytes()
        let expected = try fixture.lines()
        for split in 0...conversation.count {
            var reader = LineReader()
            reader.append(Array(conversation[..<split]))
            var lines = try drain(&reader)
            reader.append(Array(conversation[split...]))
            lines += try drain(&reader)
            #expect(lines == expected, "cut at \(split)")
            try reader.finish()
        }
    }

    @Test("a conversation in pieces of any one size gives the same lines", arguments: [1, 2, 3, 7, 64, 1000, 100_000])
    func pieces(size: Int) throws {
        let conversation = try Fixture.xfrServer.bytes()
        var reader = LineReader()
        var lines: [String] = []
        for start in stride(from: 0, to: conversation.count, by: size) {
            reader.append(Array(conversation[start..<min(start + size, conversation.count)]))
            lines += try drain(&reader)
        }
        #expect(try lines == Fixture.xfrServer.lines())
        try reader.finish()
    }

    @Test("an unfinished line is nil until its newline comes, and what follows is kept")
    func keepsRest() throws {
        var reader = LineReader()
        #expect(try reader.nextLine() == nil)
        reader.append(Array("ab".utf8))
        #expect(try reader.nextLine() == nil)
        reader.append(Array("c\n\nde".utf8))
        #expect(try drain(&reader) == ["abc", ""])
        reader.append(Array("f\n".utf8))
        #expect(try drain(&reader) == ["def"])
    }

    @Test("an end inside a line is truncation; after a newline, or before any byte, it is clean")
    func truncation() throws {
        var reader = LineReader()
        try reader.finish()
        reader.append(Array("{}\n{".utf8))
        #expect(try drain(&reader) == ["{}"])
        #expect(throws: ControlError.truncated) { try reader.finish() }
        reader.append(Array("}\n".utf8))
        #expect(try drain(&reader) == ["{}"])
        try reader.finish()
    }

    @Test("a line of exactly the limit passes, newline included; one byte more doesn't")
    func limit() throws {
        var reader = LineReader()
        reader.append(bytes(65_535) + [0x0A])
        #expect(try reader.nextLine()?.count == 65_535)

        reader.append(bytes(65_536) + [0x0A])
        #expect(throws: ControlError.lineTooLong(limit: 65_536)) { try reader.nextLine() }
    }

    @Test(
        "a line without an end is refused when it reaches the limit, one byte at a time or at once",
        arguments: [1, 65_536])
    func endlessLine(size: Int) throws {
        var reader = LineReader()
        for _ in 0..<(65_535 / size) {
            reader.append(bytes(size))
            #expect(try reader.nextLine() == nil)
        }
        reader.append(bytes(size))
        #expect(throws: ControlError.lineTooLong(limit: 65_536)) { try reader.nextLine() }
    }

    @Test("lines before one that is too long still come; after it nothing does")
    func goodLinesFirst() throws {
        var reader = LineReader()
        reader.append(Array("one\ntwo\n".utf8) + bytes(70_000) + Array("\nthree\n".utf8))
        #expect(try reader.nextLine() == Array("one".utf8))
        #expect(try reader.nextLine() == Array("two".utf8))
        for _ in 0..<3 {
            #expect(throws: ControlError.lineTooLong(limit: 65_536)) { try reader.nextLine() }
            reader.append(Array("four\n".utf8))
        }
    }
}
