import QrateControlProtocol
import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import QrateTransportAPI
import QrateTransports
import Testing

/// A client that completes the handshake and then says what no client should.
@Suite("hostile control conversations", .fewAtATime) struct HostileControlTests {
    private static let hello = #"{"type":"hello","version":"1.1","client":"stranger/1","capabilities":["qrate_v1"]}"#

    private static func start(_ changes: [String: String]) -> String {
        var fields = [
            "type": #""test_start""#, "id": #""00000000-0000-4000-8000-000000000000""#, "protocol": #""quic""#,
            "streams": "1", "duration_secs": "1", "direction": #""upload""#,
        ]
        fields.merge(changes) { $1 }
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    /// What is said, line by line, and the code of the error that answers it.
    struct Attack: Sendable, CustomTestStringConvertible {
        var name: String
        var lines: [String]
        var code = "protocol"

        var testDescription: String { name }
    }

    static let attacks = [
        Attack(name: "garbage", lines: ["\u{1}\u{2}\u{3} GET / HTTP/1.1"]),
        Attack(name: "JSON that is no object", lines: ["[1,2,3]"]),
        Attack(name: "an empty line", lines: [""]),
        Attack(name: "deeply nested JSON", lines: [String(repeating: "[", count: 60_000)]),
        Attack(name: "an unknown type", lines: [#"{"type":"surprise"}"#]),
        Attack(name: "a line without an end", lines: [String(repeating: "x", count: 70_000)]),
        Attack(name: "a version from the future", lines: [#"{"type":"hello","version":"7.0"}"#]),
        Attack(name: "a test before hello", lines: [start([:])]),
        Attack(name: "two hellos", lines: [hello, hello]),
        Attack(name: "no streams", lines: [hello, start(["streams": "0"])], code: "refused"),
        Attack(name: "too many streams", lines: [hello, start(["streams": "129"])], code: "refused"),
        Attack(name: "more streams than a byte holds", lines: [hello, start(["streams": "300"])]),
        Attack(name: "a negative number", lines: [hello, start(["streams": "-1"])]),
        Attack(name: "a negative duration", lines: [hello, start(["duration_secs": "-5"])]),
        Attack(
            name: "a duration that no number holds",
            lines: [hello, start(["qrate": #"{"duration_ms":1e308}"#])], code: "refused"),
        Attack(
            name: "a negative warm-up",
            lines: [hello, start(["qrate": #"{"duration_ms":100,"warm_up_ms":-1}"#])], code: "refused"),
        Attack(name: "nothing to send", lines: [hello, start(["byte_budget": "0"])], code: "refused"),
        Attack(name: "a budget beyond all numbers", lines: [hello, start(["byte_budget": "18446744073709551616"])]),
    ]

    @Test("are answered with an error, and others are served", arguments: attacks)
    func attack(_ attack: Attack) async throws {
        try await withServer { server in
            var stranger = try await Stranger(server)
            for line in attack.lines { try await stranger.say(line + "\n") }
            let answer = try await stranger.error()
            #expect(answer.qrate?.code == attack.code)
            #expect(!answer.message.isEmpty)
            try await server.events("refused")
            try await server.expectService()
            await stranger.leave()
        }
    }

    @Test("a hello that is never finished is answered after some seconds")
    func unfinishedHello() async throws {
        try await withServer { server in
            var stranger = try await Stranger(server)
            try await stranger.say("{")
            try await server.expectService()
            #expect(try await stranger.error().message.contains("No hello came"))
            await stranger.leave()
        }
    }

    @Test("a client that says nothing is closed after some seconds")
    func silence() async throws {
        try await withServer { server in
            let stranger = try await Stranger(server)
            try await server.expectService()
            try await stranger.expectClose()
            let refusal = try await server.events("refused").first
            #expect(refusal?.message?.contains("No hello came") == true)
            await stranger.leave()
        }
    }

    @Test("a client that leaves in the middle of a line is forgotten")
    func truncated() async throws {
        try await withServer { server in
            let stranger = try await Stranger(server)
            try await stranger.say("{\"type\":\"he")
            await stranger.leave()
            try await server.events("refused")
            try await server.expectService()
        }
    }

    @Test("a test whose payload never comes doesn't hold the server's shutdown up, nor other clients")
    func noPayload() async throws {
        try await withServer { server in
            var stranger = try await Stranger(server)
            try await stranger.say(Self.hello + "\n" + Self.start([:]) + "\n")
            try await stranger.hear { if case .testAck = $0 { true } else { nil } }
            try await server.expectService()
            await stranger.leave()
            let ends = try await server.events("test_finished", count: 2)
            #expect(ends.contains { $0.message != nil })
        }
    }
}

extension ServerProcess {
    fileprivate func expectService() async throws {
        let outcome = try await client(["-n", "100000"])
        #expect(outcome.status == 0, "\(outcome.errors)")
    }
}

/// The transport without the client's manners.
private struct Stranger {
    private let session: any TransportSession
    private var reader = LineReader()

    init(_ server: ServerProcess) async throws {
        let trust = ClientTrust(.insecure, knownServers: KnownServers(file: "/nonexistent"))
        session = try await QUICTransport(trust: trust)
            .connect(to: Endpoint(host: "127.0.0.1", port: server.port), timeout: .seconds(30))
    }

    func say(_ text: String) async throws { try await session.control.send(Array(text.utf8)) }

    /// The first message that `pick` takes; others are passed over.
    @discardableResult
    mutating func hear<Wanted>(_ pick: (ControlMessage) -> Wanted?) async throws -> Wanted {
        while true {
            while let line = try reader.nextLine() {
                if let wanted = pick(try ControlCodec.decode(line)) { return wanted }
            }
            reader.append(try #require(try await session.control.receive(), "the server left without a word"))
        }
    }

    mutating func error() async throws -> ErrorMessage {
        try await hear { if case .error(let message) = $0 { message } else { nil } }
    }

    /// Waits until the server has closed the connection without a word.
    func expectClose() async throws {
        do throws(TransportError) {
            #expect(try await session.control.receive() == nil)
        } catch {
            #expect(error.kind == .failed)
        }
    }

    func leave() async { await session.close(.done) }
}
