import QrateControlProtocol
import QrateMeasurement
import Testing

@Suite("control codec") struct ControlCodecTests {
    private func decode(_ line: String) throws(ControlError) -> ControlMessage {
        try ControlCodec.decode(Array(line.utf8))
    }

    private func encode(_ message: ControlMessage) throws(ControlError) -> String {
        String(decoding: try ControlCodec.encode(message), as: UTF8.self)
    }

    // MARK: what peers send

    @Test("every recorded line survives decoding, encoding and decoding", arguments: Fixture.allCases)
    func roundTrip(fixture: Fixture) throws {
        for line in try fixture.lines() {
            let message = try decode(line)
            #expect(try decode(encode(message)) == message, "\(line)")
        }
    }

    @Test("our lines and xfr's are written byte for byte as recorded", arguments: Fixture.allCases)
    func exactLines(fixture: Fixture) throws {
        for line in try fixture.lines() {
            let written = try encode(decode(line))
            #expect(written == line + "\n")
        }
    }

    @Test("the recordings hold every type of message, and xfr's hold all but ours")
    func recordingsAreComplete() throws {
        func kinds(_ fixtures: Fixture...) throws -> Set<ControlMessage.Kind> {
            Set(try fixtures.flatMap { try $0.lines() }.map { try decode($0).kind })
        }
        // What `qrate handshakes` asks is no part of a test.
        let all = Set(ControlMessage.Kind.allCases).subtracting([.usage])
        #expect(try kinds(.xfrClient, .xfrServer) == all.subtracting([.report, .probeHello]))
        #expect(try kinds(.xfrClient, .xfrServer, .qrateClient, .qrateServer) == all)
    }

    @Test("an xfr client's bidirectional test_start is read field by field")
    func xfrTestStart() throws {
        let line = try #require(try Fixture.xfrClient.lines().first { $0.contains("bidir") })
        let expected = TestStart(
            id: "0b7de3a1-61c4-4a4e-b8b9-d6d3f1f0a2c9", transport: .quic, streams: 2, durationSeconds: 5,
            direction: .bidir)
        #expect(try decode(line) == .testStart(expected))
    }

    @Test("an xfr server's interval is read field by field")
    func xfrInterval() throws {
        let line = try #require(try Fixture.xfrServer.lines().first { $0.contains("\"elapsed_ms\":1000") })
        var streams: [IntervalMessage.StreamProgress] = [
            .init(id: 0, bytes: 60_000_000), .init(id: 1, bytes: 61_000_000),
        ]
        for (index, figures) in [(UInt64(0), UInt32(210), UInt32(10)), (3, 190, 12)].enumerated() {
            streams[index].retransmits = figures.0
            streams[index].rttMicroseconds = figures.1
            streams[index].congestionWindow = figures.2
        }
        var aggregate = IntervalMessage.Aggregate(bytes: 121_000_000, throughputMbps: 967.8712345)
        aggregate.retransmits = 3
        aggregate.rttMicroseconds = 200
        aggregate.congestionWindow = 22
        let expected = IntervalMessage(
            id: "7cf3ab4a-1978-410f-addc-58887cbcc407", elapsedMilliseconds: 1000, streams: streams,
            aggregate: aggregate)
        #expect(try decode(line) == .interval(expected))
    }

    @Test("our hello is the recorded one")
    func ourHello() throws {
        let hello = Hello(client: "qrate/0.1.0", capabilities: Capability.announced)
        #expect(try encode(.hello(hello)) == Fixture.qrateClient.lines().first.map { $0 + "\n" })
    }

    @Test("the examples in the documentation are lines as we write them")
    func documentedExamples() throws {
        let lines = try documentedLines()
        #expect(lines.count == 8)
        for line in lines { #expect(try encode(decode(line)) == line + "\n") }
    }

    @Test("a message without fields has its type and no stray comma")
    func emptyBody() throws {
        #expect(try encode(.authSuccess(AuthSuccess())) == "{\"type\":\"auth_success\"}\n")
    }

    @Test("control characters and line breaks in our strings stay inside the line, and slashes are not escaped")
    func escaping() throws {
        let message = ControlMessage.cancel(CancelMessage(id: "T", reason: "a/b\n\u{1B}[31m\u{0}\"\\é🎈"))
        let line = try encode(message)
        #expect(line.utf8.filter { $0 < 0x20 } == [0x0A])
        #expect(line.contains("a/b"))
        #expect(try decode(line) == message)
    }

    // MARK: tolerance

    @Test(
        "unknown fields, any order, white space, null for what is optional and a CRLF are fine",
        arguments: [
            #"{"type":"cancelled","id":"T","future":{"type":"hello","x":[1,[2,{"y":null}]]}}"#,
            #"  { "id" : "T" , "type" : "cancelled" }  "#,
            "{\"type\":\"cancelled\",\"id\":\"T\"}\r\n",
            #"{"type":"c\u0061ncelled","id":"\u0054"}"#,
        ])
    func tolerated(line: String) throws {
        #expect(try decode(line) == .cancelled(TestReference(id: "T")))
    }

    @Test("null stands for an absent optional field")
    func nullIsAbsent() throws {
        #expect(try decode(#"{"type":"hello","version":"1.1","client":null}"#) == .hello(Hello()))
    }

    @Test("of a repeated key the first one counts, whichever key it is")
    func repeatedKeys() throws {
        #expect(try decode(#"{"type":"cancelled","id":"A","id":"B"}"#) == .cancelled(TestReference(id: "A")))
        #expect(try decode(#"{"type":"cancelled","type":"pause","id":"A"}"#) == .cancelled(TestReference(id: "A")))
    }

    @Test("a whole number may be written with a decimal point or an exponent", arguments: ["10", "10.0", "1e1"])
    func wholeNumbers(number: String) throws {
        let message = try decode(
            #"{"type":"test_start","id":"T","protocol":"quic","streams":1,"direction":"upload","duration_secs":"#
                + number + "}")
        guard case .testStart(let start) = message else { Issue.record("\(message)"); return }
        #expect(start.durationSeconds == 10)
    }

    @Test("the largest counts are read exactly")
    func largestCounts() throws {
        let message = try decode(
            #"{"type":"interval","id":"T","elapsed_ms":18446744073709551615,"streams":[{"id":255,"bytes":18446744073709551615}],"aggregate":{"bytes":18446744073709551615,"throughput_mbps":1e308}}"#
        )
        guard case .interval(let interval) = message else { Issue.record("\(message)"); return }
        #expect(interval.elapsedMilliseconds == .max)
        #expect(interval.streams == [.init(id: 255, bytes: .max)])
        #expect(try decode(encode(message)) == message)
    }

    // MARK: refusals

    @Test("a blank line is an error of its own", arguments: ["", " ", "\r", "\t \r\n", "\n"])
    func blankLines(line: String) {
        #expect(throws: ControlError.blankLine) { try decode(line) }
    }

    @Test(
        "what is not one JSON object is malformed",
        arguments: [
            ("[]", "not a JSON object"), ("1", "not a JSON object"), ("null", "not a JSON object"),
            ("\"hello\"", "not a JSON object"), ("hello", "not a JSON object"),
            ("GET / HTTP/1.1\r", "not a JSON object"), ("\u{FEFF}{}", "not a JSON object"),
            ("{", "not valid JSON"), ("{}}", "not valid JSON"), ("{} {}", "not valid JSON"),
            (#"{"type":"cancelled","id":"T""#, "not valid JSON"), (#"{"type":"cancelled" "id":"T"}"#, "not valid JSON"),
            (#"{'type':'cancelled'}"#, "not valid JSON"), (#"{type:"cancelled"}"#, "not valid JSON"),
            (#"{"type":"interval","elapsed_ms":NaN}"#, "not valid JSON"),
            (#"{"type":"interval","elapsed_ms":0x1}"#, "not valid JSON"),
            (#"{"type":"interval","elapsed_ms":+1}"#, "not valid JSON"),
            ("{\"type\":\"cancelled\",\"id\":\"T\"}\u{0}", "it has a NUL byte"),
            ("{\u{0}}\u{0}", "it has a NUL byte"),
        ])
    func malformed(line: String, reason: String) {
        #expect(throws: ControlError.malformed(reason: reason, excerpt: line)) { try decode(line) }
    }

    @Test(
        "bytes that are not UTF-8 are refused: stray, overlong, surrogate, cut off",
        arguments: [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        let line = Array(#"{"type":"error","message":""#.utf8) + bytes + Array(#""}"#.utf8)
        #expect(throws: ControlError.malformed(reason: "not UTF-8", excerpt: String(decoding: line, as: UTF8.self))) {
            try ControlCodec.decode(line)
        }
    }

    @Test(
        "deep nesting is refused before the parser recurses",
        arguments: ["[", #"{"type":"#, #"{"type":"hello","version":"1.1","x":"#], ["[", #"{"a":"#])
    func deepNesting(prefix: String, unit: String) {
        let line = prefix + String(repeating: unit, count: 60_000)
        #expect {
            try decode(line)
        } throws: { error in
            guard case .malformed(let reason, _)? = error as? ControlError else { return false }
            return reason == (prefix == "[" ? "not a JSON object" : "nested deeper than 32 levels")
        }
    }

    @Test("brackets inside strings are no nesting")
    func bracketsInStrings() throws {
        let reason = String(repeating: "[{\\\"", count: 1000)
        #expect(
            try decode(#"{"type":"cancel","id":"T","reason":""# + reason + #""}"#)
                == .cancel(CancelMessage(id: "T", reason: String(repeating: "[{\"", count: 1000))))
    }

    @Test("an unknown type is named", arguments: ["ping", "Hello", "", "testStart"])
    func unknownType(name: String) {
        #expect(throws: ControlError.unknownType(name)) { try decode(#"{"type":"\#(name)"}"#) }
    }

    @Test(
        "a missing field is named with its path",
        arguments: [
            ("{}", "message", "type"),
            (#"{"type":"hello"}"#, "hello", "version"),
            (#"{"type":"hello","version":"1.1","auth":{"method":"psk"}}"#, "hello", "auth.nonce"),
            (#"{"type":"cancelled"}"#, "cancelled", "id"),
            (#"{"type":"cancel","id":"T"}"#, "cancel", "reason"),
            (#"{"type":"test_ack","id":"T"}"#, "test_ack", "data_ports"),
            (
                #"{"type":"interval","id":"T","elapsed_ms":0,"streams":[{"id":0,"bytes":1},{"id":1}],"aggregate":{}}"#,
                "interval", "streams[1].bytes"
            ),
            (#"{"type":"report","id":"T","elapsed_ms":0,"bytes_received":0}"#, "report", "is_final"),
        ])
    func missingField(line: String, type: String, field: String) {
        #expect(throws: ControlError.missingField(type: type, field: field)) { try decode(line) }
    }

    @Test(
        "a field of the wrong JSON type is named with its path",
        arguments: [
            (#"{"type":1}"#, "message.type"), (#"{"type":["hello"]}"#, "message.type"),
            (#"{"type":"cancelled","id":1}"#, "cancelled.id"),
            (#"{"type":"hello","version":1.1}"#, "hello.version"),
            (#"{"type":"hello","version":"1.1","capabilities":"quic"}"#, "hello.capabilities"),
            (#"{"type":"hello","version":"1.1","capabilities":["quic",7]}"#, "hello.capabilities[1]"),
            (#"{"type":"test_ack","id":"T","data_ports":{}}"#, "test_ack.data_ports"),
            (#"{"type":"test_ack","id":"T","data_ports":[true]}"#, "test_ack.data_ports[0]"),
            (#"{"type":"error","message":"m","qrate":[]}"#, "error.qrate"),
        ])
    func mistypedField(line: String, field: String) {
        #expect(throws: ControlError.invalidField(field: field, reason: "has the wrong JSON type")) { try decode(line) }
    }

    @Test("null is refused where a value is required")
    func nullIsRefused() {
        #expect(throws: ControlError.invalidField(field: "cancelled.id", reason: "is null")) {
            try decode(#"{"type":"cancelled","id":null}"#)
        }
    }

    @Test(
        "a number that doesn't fit its field is refused",
        arguments: ["-1", "256", "1.5", "1e999", "-1e999", "18446744073709551616", "01"])
    func numbersOutOfRange(number: String) {
        let line =
            #"{"type":"test_start","id":"T","protocol":"quic","direction":"upload","duration_secs":1,"streams":"#
            + number + "}"
        #expect(
            throws: ControlError.malformed(reason: "a number is out of range or a string broken", excerpt: line)
        ) { try decode(line) }
    }

    @Test("half a surrogate pair is a broken string")
    func brokenString() {
        let line = #"{"type":"cancelled","id":"\ud800"}"#
        #expect(
            throws: ControlError.malformed(reason: "a number is out of range or a string broken", excerpt: line)
        ) { try decode(line) }
    }

    @Test("an unknown name in protocol or direction is refused and named", arguments: ["sctp", "QUIC", ""])
    func unknownNames(name: String) {
        let reason = "has a value out of range"
        #expect(throws: ControlError.invalidField(field: "test_start.protocol", reason: reason)) {
            try decode(
                #"{"type":"test_start","id":"T","protocol":"\#(name)","streams":1,"duration_secs":1,"direction":"upload"}"#
            )
        }
    }

    @Test(
        "test ids are 1 to 128 graphic ASCII characters, in every message that has one",
        arguments: ["", " ", "a b", "é", "\\u001b[31m", "\\n", String(repeating: "x", count: 129)],
        [
            ("cancelled.id", #"{"type":"cancelled","id":"ID"}"#), ("finish.id", #"{"type":"finish","id":"ID"}"#),
            ("pause.id", #"{"type":"pause","id":"ID"}"#), ("resume.id", #"{"type":"resume","id":"ID"}"#),
            ("cancel.id", #"{"type":"cancel","id":"ID","reason":""}"#),
            ("test_ack.id", #"{"type":"test_ack","id":"ID","data_ports":[]}"#),
            ("data_hello.test_id", #"{"type":"data_hello","test_id":"ID","stream_index":0}"#),
            (
                "test_start.id",
                #"{"type":"test_start","id":"ID","protocol":"quic","streams":1,"duration_secs":1,"direction":"upload"}"#
            ),
            ("report.id", #"{"type":"report","id":"ID","elapsed_ms":0,"bytes_received":0,"is_final":false}"#),
            (
                "interval.id",
                #"{"type":"interval","id":"ID","elapsed_ms":0,"streams":[],"aggregate":{"bytes":0,"throughput_mbps":0}}"#
            ),
            (
                "result.id",
                #"{"type":"result","id":"ID","bytes_total":0,"duration_ms":0,"throughput_mbps":0,"streams":[]}"#
            ),
        ])
    func hostileIDs(id: String, message: (field: String, template: String)) {
        #expect {
            try decode(message.template.split(separator: "ID", omittingEmptySubsequences: false).joined(separator: id))
        } throws: { error in
            guard case .invalidField(let field, _)? = error as? ControlError else { return false }
            return field == message.field
        }
    }

    @Test("an id of 128 characters is taken")
    func longestID() throws {
        let id = String(repeating: "~", count: 128)
        #expect(try decode(#"{"type":"pause","id":"\#(id)"}"#) == .pause(TestReference(id: id)))
    }

    @Test("an interval or result that names a stream twice is refused")
    func repeatedStreams() {
        let streams = #"[{"id":3,"bytes":1,"throughput_mbps":0},{"id":3,"bytes":2,"throughput_mbps":0}]"#
        #expect(throws: ControlError.invalidField(field: "interval.streams", reason: "names a stream twice")) {
            try decode(
                #"{"type":"interval","id":"T","elapsed_ms":0,"aggregate":{"bytes":0,"throughput_mbps":0},"streams":"#
                    + streams + "}")
        }
        #expect(throws: ControlError.invalidField(field: "result.streams", reason: "names a stream twice")) {
            try decode(
                #"{"type":"result","id":"T","bytes_total":0,"duration_ms":0,"throughput_mbps":0,"streams":"#
                    + streams + "}")
        }
    }

    @Test("lists longer than a test has streams are refused")
    func tooManyStreams() throws {
        func report(_ count: Int) -> String {
            let streams = Array(repeating: "1", count: count).joined(separator: ",")
            return #"{"type":"report","id":"T","elapsed_ms":0,"bytes_received":0,"is_final":true,"totals":{"#
                + #""bytes_received":0,"warm_up_bytes":0,"drained_bytes":0,"complete":true,"streams":["# + streams
                + "]}}"
        }
        _ = try decode(report(128))
        #expect(
            throws: ControlError.invalidField(
                field: "report.totals.streams", reason: "has 129 entries, more than the 128 streams of a test")
        ) { try decode(report(129)) }
    }

    @Test(
        "times that are none are refused where they stand",
        arguments: [
            (#"{"start_ms":-1,"end_ms":1,"warm_up":false,"bytes_received":0}"#, "start_ms", "is no duration: -1.0"),
            (#"{"start_ms":0,"end_ms":1e300,"warm_up":false,"bytes_received":0}"#, "end_ms", "is no duration: 1e+300"),
            (#"{"start_ms":2,"end_ms":1,"warm_up":false,"bytes_received":0}"#, "end_ms", "lies before start_ms"),
        ])
    func hostileTimes(row: String, field: String, reason: String) {
        #expect(throws: ControlError.invalidField(field: "interval.qrate.upload.\(field)", reason: reason)) {
            try decode(
                #"{"type":"interval","id":"T","elapsed_ms":0,"streams":[],"aggregate":{"bytes":0,"throughput_mbps":0},"#
                    + #""qrate":{"upload":"# + row + "}}")
        }
    }

    @Test("a server has no more data-path threads than a stream and direction can need")
    func tooManyThreads() throws {
        func result(_ count: Int) -> String {
            let thread = #"{"name":"send 1","user_s":1,"system_s":2.5,"elapsed_ms":1000}"#
            let threads = Array(repeating: thread, count: count).joined(separator: ",")
            return #"{"type":"result","id":"T","bytes_total":0,"duration_ms":0,"throughput_mbps":0,"streams":[],"#
                + #""qrate":{"cpu":{"threads":["# + threads + "]}}}"
        }
        _ = try decode(result(256))
        #expect(
            throws: ControlError.invalidField(field: "result.qrate.cpu.threads", reason: "has more than 256 entries")
        ) { try decode(result(257)) }
    }

    @Test("a thread's time that is none is refused where it stands")
    func hostileThread() throws {
        let line =
            #"{"type":"result","id":"T","bytes_total":0,"duration_ms":0,"throughput_mbps":0,"streams":[],"qrate":"#
            + #"{"cpu":{"threads":[{"name":"send 1","user_s":-1,"system_s":2.5,"elapsed_ms":1000}]}}}"#
        #expect(
            throws: ControlError.invalidField(
                field: "result.qrate.cpu.threads.user_s", reason: "is no duration: -1000.0")
        ) { try decode(line) }
    }

    @Test("a report at a negative time is refused")
    func hostileReport() {
        #expect(throws: ControlError.invalidField(field: "report.elapsed_ms", reason: "is no duration: -5.0")) {
            try decode(#"{"type":"report","id":"T","elapsed_ms":-5,"bytes_received":0,"is_final":false}"#)
        }
    }

    @Test("an acknowledgement with a token and data ports is refused, as xfr does")
    func tokenAndPorts() {
        #expect(throws: ControlError.self) {
            try decode(#"{"type":"test_ack","id":"T","data_ports":[1],"udp_token":"00"}"#)
        }
    }

    // MARK: limits of what we send

    @Test("a full house of 128 streams fits into a line with its detail")
    func fullHouse() throws {
        let received = Array(repeating: ByteCount(.max), count: 128)
        let row = WireRow(start: .zero, end: .seconds(1), isWarmUp: false, received: received)
        let message = ControlMessage.interval(
            IntervalMessage(
                id: String(repeating: "x", count: 128), elapsedMilliseconds: .max,
                streams: (0..<128).map { .init(id: $0, bytes: .max) },
                aggregate: .init(bytes: .max, throughputMbps: 0.1 + 0.2), qrate: .init(upload: row)))
        #expect(try ControlCodec.decode(ControlCodec.encode(message)) == message)
    }

    @Test("a line that would be too long loses its counts per stream, and nothing else")
    func detailGoesFirst() throws {
        var totals = WireTotals(
            bytesReceived: 1, warmUpBytes: 2, drainedBytes: 3, durationMilliseconds: 4,
            streams: Array(repeating: .max, count: 4000), isComplete: true)
        var row = WireRow(
            startMilliseconds: 0, endMilliseconds: 1, isWarmUp: true, bytesReceived: 5,
            streams: Array(repeating: .max, count: 4000))
        var cpu = WireProcessorUsage(
            ProcessorUsage(
                user: .seconds(1), system: .seconds(2),
                threads: Array(
                    repeating: ThreadUsage(name: "send", user: .zero, system: .zero, elapsed: .zero), count: 256)))
        func messages() -> [ControlMessage] {
            [
                .report(
                    ReportMessage(id: "T", elapsedMilliseconds: 1, bytesReceived: 2, isFinal: true, totals: totals)),
                .result(
                    ResultMessage(
                        id: "T", bytesTotal: 1, durationMilliseconds: 2, throughputMbps: 3,
                        streams: [.init(id: 0, bytes: 1, throughputMbps: 2)], qrate: .init(upload: totals, cpu: cpu))),
                .interval(
                    IntervalMessage(
                        id: "T", elapsedMilliseconds: 1, streams: [.init(id: 0, bytes: 1)],
                        aggregate: .init(bytes: 1, throughputMbps: 2), qrate: .init(upload: row))),
            ]
        }
        let long = messages()
        totals.streams = nil
        row.streams = nil
        cpu.threads = nil
        for (message, expected) in zip(long, messages()) {
            #expect(try ControlCodec.decode(ControlCodec.encode(message)) == expected)
        }
    }

    @Test("a message that is too long without detail is an error, at the byte")
    func tooLongToSend() throws {
        func message(_ length: Int) -> ControlMessage {
            .error(ErrorMessage(message: String(repeating: "x", count: length)))
        }
        let overhead = try ControlCodec.encode(message(0)).count
        #expect(try ControlCodec.encode(message(LineReader.limit - overhead)).count == 65_536)
        #expect(throws: ControlError.lineTooLong(limit: 65_536)) {
            try ControlCodec.encode(message(LineReader.limit - overhead + 1))
        }
    }

    @Test("a number that JSON has no word for is refused", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(number: Double) {
        #expect(throws: ControlError.notEncodable(type: "result")) {
            try ControlCodec.encode(
                .result(
                    ResultMessage(
                        id: "T", bytesTotal: 0, durationMilliseconds: 0, throughputMbps: number, streams: [])))
        }
    }
}
