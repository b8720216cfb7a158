import QrateControlProtocol
import QrateMeasurement
import Testing

@Suite("control errors and peers' text") struct ControlErrorTests {
    /// What a hostile peer would like to see in our terminal or log.
    private static let hostile =
        "\u{1B}]0;owned\u{7}\r\n\u{9B}31m\u{202E}\u{2028}\u{0}" + String(repeating: "A", count: 9999)

    @Test(
        "a message is one line of printable text and repeats 80 bytes of the peer's at most",
        arguments: [
            ControlError.malformed(reason: "not valid JSON", excerpt: hostile), .unknownType(hostile),
            .incompatibleVersion(hostile, local: .server),
        ])
    func quotesSafely(error: ControlError) {
        let text = "\(error)"
        #expect(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0 != "\u{2028}" })
        #expect(text.contains("]0;owned31mAAA"))
        #expect(text.utf8.count < 80 + 60)
    }

    @Test(
        "each error says what is wrong",
        arguments: [
            (.lineTooLong(limit: 65_536), "A control line is longer than the limit of 65536 bytes"),
            (.truncated, "The control stream ended inside a line"),
            (.blankLine, "Blank control line"),
            (
                .malformed(reason: "not a JSON object", excerpt: "GET / HTTP/1.1"),
                "Malformed control line, not a JSON object: 'GET / HTTP/1.1'"
            ),
            (.unknownType("ping"), "Unknown control message type 'ping'"),
            (.missingField(type: "cancel", field: "reason"), "Control message 'cancel' lacks the field 'reason'"),
            (.invalidField(field: "cancel.id", reason: "is null"), "Control message field 'cancel.id' is null"),
            (.notEncodable(type: "result"), "Control message 'result' holds a number that JSON cannot express"),
            (.refused("Server busy"), "Server busy"),
        ] as [(ControlError, String)])
    func texts(error: ControlError, text: String) {
        #expect("\(error)" == text)
        #expect(error.failure.message == text)
    }

    @Test("a refusal ends with status 75, everything else is a protocol error")
    func kinds() {
        #expect(ControlError.refused("no").failure.kind == .refused)
        #expect(ControlError.truncated.failure.kind == .protocolError)
        #expect(ControlError.incompatibleVersion("2", local: .client).failure.kind == .protocolError)
    }

    @Test(
        "printable text keeps letters of every script and loses what steers a terminal",
        arguments: [
            ("xfr/0.9.25", "xfr/0.9.25"), ("", ""), ("naïve 日本語 🎈", "naïve 日本語 🎈"), ("a\u{1B}[31mb", "a[31mb"),
            ("a\tb\r\nc", "abc"), ("\u{7F}\u{80}\u{9F}", ""), ("\u{202A}\u{2066}\u{200B}\u{FEFF}", ""),
            ("\u{E000}\u{10FFFF}\u{FFFE}", ""), ("\u{2028}\u{2029}", ""),
        ])
    func keepsPrintable(text: String, expected: String) {
        #expect(printable(text, limit: 80) == expected)
    }

    @Test("a cut leaves whole characters' scalars, a mark, and never more bytes than the limit")
    func cuts() {
        #expect(printable("abcdef", limit: 6) == "abcdef")
        #expect(printable("abcdefg", limit: 6) == "abc…")
        #expect(printable("ééééé", limit: 8) == "éé…")
        for limit in 0...40 {
            let text = printable(String(repeating: "🎈", count: 10) + "!", limit: limit)
            #expect(text.utf8.count <= limit)
            #expect(!text.unicodeScalars.contains("\u{FFFD}"))
        }
    }

    @Test("what an xfr server says becomes the message, printable and of bounded length")
    func plainPeerError() {
        let failure = ErrorMessage(message: Self.hostile).failure(otherwise: .protocolError)
        #expect(failure.kind == .protocolError)
        #expect(failure.message.hasPrefix("]0;owned31mAAA"))
        #expect(failure.message.utf8.count == 400)
    }

    @Test(
        "a qrate peer's code decides the kind, where it is a peer's to decide",
        arguments: [
            ("refused", .refused), ("failed", .failed), ("protocol", .protocolError), ("permission", .permission),
            ("certificate", .unreachable), ("usage", .unreachable), ("interrupted", .unreachable),
            ("no_such_code", .unreachable), ("", .unreachable),
        ] as [(String, TestFailure.Kind)])
    func peerCode(code: String, kind: TestFailure.Kind) {
        let message = ErrorMessage(message: "m", qrate: .init(code: code))
        #expect(message.failure(otherwise: .unreachable) == TestFailure(kind, "m"))
    }

    @Test("a refusal arrives at the other end as it was meant")
    func errorRoundTrip() throws {
        let failure = ControlError.refused("This server is full").failure
        let line = try ControlCodec.encode(.error(ErrorMessage(failure)))
        guard case .error(let message) = try ControlCodec.decode(line) else { Issue.record("\(line)"); return }
        #expect(message.failure(otherwise: .failed) == failure)
    }
}
