import FoundationEssentials
import QrateTestSupport
import Testing

/// Both of xfr's sides, written in Python from its specification alone: Tests/Peers.
///
/// They are strict. What qrate does and the specification doesn't allow is among their `deviations`.
enum XfrPeer {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static let program = repository.appending(path: "Tests/Peers/xfr_peer.py").path

    /// The interpreter that has what the peer needs.
    private static func interpreter() throws -> String {
        let path = repository.appending(path: ".build/peers/bin/python").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "run scripts/bootstrap --tests")
        return path
    }

    /// Runs its client against a server on this machine.
    static func client(port: UInt16, _ arguments: [String]) async throws -> ClientReport {
        let command = ["-B", program, "client", "127.0.0.1", "--port", "\(port)"] + arguments
        let client = try await withProgram(interpreter(), command) { try await $0.outcome() }
        try #require(client.output.hasPrefix("{"), "\(client.errors)")
        return try decoder.decode(ClientReport.self, from: Data(client.output.utf8))
    }

    /// Runs its server for as long as `body` takes.
    static func withServer<Result>(
        _ arguments: [String] = [], _ body: (Server) async throws -> Result
    ) async throws -> Result {
        // A busy machine may take longer than xfr's 100 ms to deliver a download's last bytes.
        let command = ["-B", program, "serve", "--port", "0", "--close-delay", "20"] + arguments
        return try await withProgram(interpreter(), command) { program in
            let listening = try await program.output.wait(for: "the peer's first line") { lines in
                try lines.first.map(event)
            }
            return try await body(Server(program: program, port: try #require(listening.port)))
        }
    }

    /// The names of the peer's own tests: `Class.method`.
    static let selfTests: [String] = {
        let file = repository.appending(path: "Tests/Peers/test_peer.py")
        let lines = (try? String(decoding: Data(contentsOf: file), as: UTF8.self))?.split(separator: "\n") ?? []
        var names: [String] = []
        var suite: Substring = ""
        for line in lines {
            if line.hasPrefix("class ") {
                suite = line.dropFirst("class ".count).prefix { $0 != "(" }
            } else if line.hasPrefix("    def test_") {
                names.append("\(suite).\(line.dropFirst("    def ".count).prefix { $0 != "(" })")
            }
        }
        return names
    }()

    /// Runs one of them: what is wrong there is no fault of qrate's.
    static func selfTest(_ name: String) async throws -> RunningProgram.Outcome {
        let tests = repository.appending(path: "Tests/Peers/test_peer.py").path
        return try await withProgram(interpreter(), ["-B", tests, name]) { try await $0.outcome() }
    }

    private static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }()

    private static func event(_ line: String) throws -> ServerEvent {
        try decoder.decode(ServerEvent.self, from: Data(line.utf8))
    }

    struct Server {
        let program: RunningProgram
        let port: UInt16

        /// Waits until the server has said so about a test or a connection, and gives what it said.
        func event(_ name: String) async throws -> ServerEvent {
            try await program.output.wait(for: "the peer's \(name)") { lines in
                try lines.map(XfrPeer.event).first { $0.event == name }
            }
        }

        /// Runs qrate against it. Its certificate is new at every start, which only `--insecure` accepts.
        func qrate(_ arguments: [String], overQUIC: Bool) async throws -> RunningProgram.Outcome {
            try await QrateProgram.run(
                ["127.0.0.1", "-p", "\(port)", "--json"] + arguments + (overQUIC ? ["--insecure"] : []))
        }
    }

    // MARK: - What it prints

    /// One stream, as the peer counted it.
    struct Stream: Decodable, Sendable {
        var index: Int
        var sent: UInt64
        var received: UInt64
        var endings: [String]
    }

    struct Statistics: Decodable, Sendable {
        var packetsSent: UInt64
        var packetsReceived: UInt64
        var lost: UInt64
        var outOfOrder: UInt64
    }

    struct ClientReport: Decodable, Sendable {
        /// `done`, `cancelled`, or how it failed.
        var outcome: String
        var error: String?
        var bytesSent: UInt64?
        var bytesReceived: UInt64?
        var streams: [Stream]?
        var udpStats: Statistics?
        var feedback: [[Feedback]]?
        var mtuProbe: Probe?
        var intervals: Int
        var result: Result?
        var deviations: [String]
        var messages: [Message]

        struct Feedback: Decodable, Sendable { var received: UInt64, lost: UInt64 }
        struct Probe: Decodable, Sendable { var forwardMaxPayload: Int?, reverseMaxPayload: Int? }

        struct Result: Decodable, Sendable {
            var id: String
            var bytesTotal: UInt64
            var durationMs: UInt64
            var bytesSent: UInt64?
            var bytesReceived: UInt64?
            var udpStats: Statistics?
        }
    }

    struct Message: Decodable, Sendable { var from: String, line: String }

    struct ServerEvent: Decodable, Sendable {
        var event: String
        var port: UInt16?
        /// What ended a finished test.
        var outcome: String?
        var bytesSent: UInt64?
        var bytesReceived: UInt64?
        var durationMs: UInt64?
        var streams: [Stream]?
        var udpStats: Statistics?
        var controlEnd: String?
        var deviations: [String]?
        var messages: [Message]?
        /// Why a connection was refused or a datagram strayed.
        var reason: String?
    }
}
