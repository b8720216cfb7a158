import ArgumentParser
import QrateKit
import QrateReporting

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare QUIC with TLS and TCP on one path: which carries more, by how much, and how sure that is.",
        discussion: """
            Runs the same test over each transport, round by round, each time in another order. The first 5 rounds tell how \
            much the path scatters, and so how many it takes. A ratio is that of the same round's figures; in brackets is \
            where it lies with 95 % confidence.
            """)

    @Argument(help: "The server: a name or an address.")
    var host: String

    @Option(
        help: ArgumentHelp("What to compare, of quic, tls, tcp and udp. Default: quic,tls,tcp.", valueName: "list"))
    var transports: TransportListArgument?

    @Option(help: ArgumentHelp("The most rounds there may be, 5 to 1000.", valueName: "n"))
    var rounds = 15

    @Option(help: ArgumentHelp("How near the truth every ratio shall be told.", valueName: "percent"))
    var precision = PercentArgument(0.05)

    @Option(help: ArgumentHelp("Begin no round that would end later than this.", valueName: "time"))
    var budget: TimeArgument?

    @Flag(help: "End each round with all transports at the same time: how do they share the path?")
    var together = false

    @OptionGroup(title: "Each test") var test: TestArguments
    @OptionGroup(title: "Each test") var transport: TransportArguments
    @OptionGroup(title: "Network") var endpoint: EndpointArguments
    @OptionGroup(title: "Network") var network: NetworkArguments
    @OptionGroup(title: "Certificates") var certificates: CertificateArguments

    @Flag(help: "Print one JSON object instead of text, also on failure (docs/comparison.schema.json).")
    var json = false

    @Flag(help: "Print one line per test, separated by commas, instead of text.")
    var csv = false

    @Option(
        name: .customLong("report"),
        help: ArgumentHelp(
            "Write a page with drawings as well, which needs nothing but a browser (HTML).", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var reportPath: String?

    @Flag(name: .shortAndLong, help: "Print no rounds and no progress, just the verdict.")
    var quiet = false

    func run() async throws {
        let output = ComparisonOutput(json ? .json : csv ? .csv : .text, quiet: quiet)
        do throws(TestFailure) {
            try Exclusive.check([json ? "--json" : nil, csv ? "--csv" : nil])
            let configuration = try comparisonConfiguration()
            let client = try ComparisonClient(configuration)
            let page = try reportPath.map { path throws(TestFailure) in try ReportFile(path) }
            SignalWatch.handle { signal, isRepeated in
                client.cancel()
                if isRepeated { SignalWatch.die(of: signal) }
            }
            output.begin(configuration.parameters)
            let report = await client.run { output.show($0) }
            output.finish(report)
            let unwritten = page?.write(ComparisonReportPage.document(report))
            if let failure = report.failure {
                if let unwritten { Console.write(PlainTextReporter.problem(unwritten), to: .error) }
                throw failure
            }
            if let unwritten { throw unwritten }
        } catch {
            throw output.exitCode(for: error)
        }
    }

    /// What the arguments say.
    ///
    /// - Throws: `usage` for arguments that contradict each other.
    func comparisonConfiguration() throws(TestFailure) -> ComparisonConfiguration {
        if let flag = transport.names.first {
            throw TestFailure(.usage, "\(flag) chooses one transport; a comparison takes --transports quic,tls,tcp")
        }
        var single = try test.parameters(transport)
        if test.time == nil, test.bytes == nil { single.limit = .duration(ComparisonParameters.defaultDuration) }
        var connection = TestConfiguration(host: host, port: endpoint.port)
        connection.trust = try certificates.trust
        connection.serverName = certificates.serverName
        connection.certificate = try certificates.files
        connection.connectTimeout = endpoint.connectTimeout.duration
        connection.network = network.options
        connection.local = try endpoint.local
        connection.recording.keyLogFile = KeyLogVariable.file
        let parameters = ComparisonParameters(
            transports: transports?.kinds ?? ComparisonParameters.defaultTransports, test: single, rounds: rounds,
            precision: precision.share, budget: budget?.duration, runsTogether: together)
        return ComparisonConfiguration(connection, parameters: parameters)
    }
}

/// `--transports`: names, separated by commas.
struct TransportListArgument: ExpressibleByArgument {
    let kinds: [TransportKind]

    init?(argument: String) {
        let names = argument.lowercased().split(separator: ",", omittingEmptySubsequences: false)
        let kinds = names.compactMap { TransportKind(rawValue: String($0)) }
        guard kinds.count == names.count else { return nil }
        self.kinds = kinds
    }
}

/// A share, written in per cent: `5%`, `5`, `2.5%`.
struct PercentArgument: ExpressibleByArgument, CustomStringConvertible {
    let share: Double

    init(_ share: Double) { self.share = share }

    init?(argument: String) {
        guard let (number, suffix) = Quantity.split(argument), suffix.isEmpty || suffix == "%" else { return nil }
        share = number / 100
    }

    var description: String { "\(share * 100)%" }
}
