import QrateControlProtocol
import QrateMeasurement
import QrateTestSupport
import QrateTransportAPI
import Testing

/// One end of a session, played by a test line by line.
struct ScriptedPeer {
    let session: any TransportSession
    private var lines = LineReader()

    init(_ session: any TransportSession) { self.session = session }

    /// A client against the network's listener.
    static func client(of network: InMemoryNetwork) async throws -> ScriptedPeer {
        ScriptedPeer(try await network.transport.connect(to: network.endpoint, timeout: .seconds(10)))
    }

    /// The server of the next client that connects.
    static func server(of network: InMemoryNetwork) async throws -> ScriptedPeer {
        var sessions = network.listener.sessions.makeAsyncIterator()
        return ScriptedPeer(try #require(await sessions.next()))
    }

    func say(_ message: ControlMessage) async throws { try await session.control.send(ControlCodec.encode(message)) }
    func say(line: String) async throws { try await session.control.send(Array("\(line)\n".utf8)) }

    /// The next message, nil at the end.
    mutating func hear() async throws -> ControlMessage? {
        while true {
            if let line = try lines.nextLine() { return try ControlCodec.decode(line) }
            guard let bytes = try await session.control.receive() else { return nil }
            lines.append(bytes)
        }
    }

    /// The next message that `pick` gives something for; others are passed over.
    mutating func hear<Wanted>(_ pick: (ControlMessage) -> Wanted?) async throws -> Wanted {
        while let message = try await hear() {
            if let wanted = pick(message) { return wanted }
        }
        throw NothingHeard()
    }

    struct NothingHeard: Error {}
}

extension ControlMessage {
    var asHello: Hello? { if case .hello(let hello) = self { hello } else { nil } }
    var asTestStart: TestStart? { if case .testStart(let start) = self { start } else { nil } }
    var asTestAck: TestAck? { if case .testAck(let ack) = self { ack } else { nil } }
    var asInterval: IntervalMessage? { if case .interval(let interval) = self { interval } else { nil } }
    var asResult: ResultMessage? { if case .result(let result) = self { result } else { nil } }
    var asReport: ReportMessage? { if case .report(let report) = self { report } else { nil } }
    var asError: ErrorMessage? { if case .error(let error) = self { error } else { nil } }
    var asCancel: CancelMessage? { if case .cancel(let cancel) = self { cancel } else { nil } }
    var asCancelled: TestReference? { if case .cancelled(let test) = self { test } else { nil } }
    var asPause: TestReference? { if case .pause(let test) = self { test } else { nil } }
    var asResume: TestReference? { if case .resume(let test) = self { test } else { nil } }
    var asFinish: TestReference? { if case .finish(let test) = self { test } else { nil } }
}

extension Hello {
    static let qrateClient = Hello(client: "qrate/0.1.0", capabilities: Capability.announced)
    static let qrateServer = Hello(server: "qrate/0.1.0", capabilities: Capability.announced)
    /// What xfr 0.9.25 announces.
    static let xfrClient = Hello(client: "xfr/0.9.25", capabilities: xfr)
    static let xfrServer = Hello(server: "xfr/0.9.25", capabilities: xfr)
    private static let xfr = [
        "tcp", "udp", "quic", "multistream", "single_port_tcp", "pause_resume", "udp_feedback_v1", "zerocopy_v1",
        "mtu_probe_v1", "single_port_udp_v1", "protected_control_v1", "byte_budget_v1",
    ]
}
