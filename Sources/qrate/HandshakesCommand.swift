import ArgumentParser
import QrateKit
import QrateReporting

struct HandshakesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handshakes",
        abstract: "Measure a server's handshakes: how many a second, how long they take, what they cost.",
        discussion: """
            A handshake is cold, or it resumes the session of an earlier connection with a ticket; each is checked to be what \
            it is counted as. The server is `qrate serve`.
            """)

    @Argument(help: "The server: a name or an address.")
    var host: String

    @Option(
        name: [.customShort("t", allowingJoined: true), .long],
        help: ArgumentHelp(
            "How long to measure, both kinds together: 10, 10s, 1m30s. Default: 10s, without -n.", valueName: "time"))
    var time: TimeArgument?

    @Option(
        name: [.customShort("n", allowingJoined: true), .long],
        help: ArgumentHelp("Handshakes of each kind. With -t, whichever ends first.", valueName: "n"))
    var count: Int?

    @Option(
        name: [.customShort("P", allowingJoined: true), .long],
        help: ArgumentHelp("Handshakes under way at a time, 1 to 32. Default: 1.", valueName: "n"))
    var parallel = 1

    @Flag(help: "Measure cold handshakes only.")
    var cold = false

    @Flag(help: "Measure resumed handshakes only.")
    var resumed = false

    @Flag var transports: [HandshakeTransportFlag] = []

    @Option(help: ArgumentHelp("Agree to no other cipher.", valueName: "name"))
    var cipher: CipherSuite?

    @OptionGroup(title: "Network") var endpoint: EndpointArguments
    @OptionGroup(title: "Certificates") var certificates: CertificateArguments

    @Flag(help: "Print one JSON object instead of text, also on failure (docs/handshakes.schema.json).")
    var json = false

    @Flag(name: .shortAndLong, help: "Print no header, just the figures.")
    var quiet = false

    func run() async throws {
        let output = HandshakesOutput(json: json, quiet: quiet)
        do throws(TestFailure) {
            let client = try HandshakeClient(try handshakeConfiguration())
            SignalWatch.handle { signal, isRepeated in
                client.cancel()
                if isRepeated { SignalWatch.die(of: signal) }
            }
            let report = await client.run { output.show($0) }
            output.finish(report)
            if let failure = report.failure { throw failure }
        } catch {
            throw output.exitCode(for: error)
        }
    }

    /// What the arguments say.
    ///
    /// - Throws: `usage` for arguments that contradict each other.
    func handshakeConfiguration() throws(TestFailure) -> HandshakeConfiguration {
        try Exclusive.check([cold ? "--cold" : nil, resumed ? "--resumed" : nil])
        try Exclusive.check(Set(transports).map { "--\($0.rawValue)" }.sorted())
        if time?.duration == .zero {
            throw TestFailure(.usage, "-t 0 has no end, and each kind of handshake has its share of the time: give one")
        }
        var parameters = HandshakeParameters(
            transport: transports.first?.kind ?? .quic, count: count, parallel: parallel, cipher: cipher)
        parameters.kinds = cold ? [.cold] : resumed ? [.resumed] : HandshakeKind.allCases
        parameters.duration = time?.duration ?? (count == nil ? TestParameters.defaultDuration : nil)
        var configuration = HandshakeConfiguration(host: host, port: endpoint.port, parameters: parameters)
        configuration.trust = try certificates.trust
        configuration.serverName = certificates.serverName
        configuration.certificate = try certificates.files
        configuration.connectTimeout = endpoint.connectTimeout.duration
        configuration.local = try endpoint.local
        configuration.recording.keyLogFile = KeyLogVariable.file
        return configuration
    }
}

/// A flag that chooses the transport. The library says why TCP and UDP have nothing to measure.
enum HandshakeTransportFlag: String, EnumerableFlag {
    case quic, tls, tcp, udp

    static func help(for flag: HandshakeTransportFlag) -> ArgumentHelp? {
        switch flag {
        case .quic: "QUIC. This is the default."
        case .tls: "TLS 1.3 over TCP."
        case .tcp, .udp: .hidden
        }
    }

    var kind: TransportKind {
        switch self {
        case .quic: .quic
        case .tls: .tls
        case .tcp: .tcp
        case .udp: .udp
        }
    }
}
