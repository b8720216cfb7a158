import ArgumentParser
import QrateKit
import QrateReporting

struct ClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Test against a server (the default: `qrate <host>`).")

    @Argument(help: "The server: a name or an address.")
    var host: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The server's port, for TCP and UDP alike.", valueName: "port"))
    var port = TestConfiguration.defaultPort

    @Flag(name: [.customShort("R"), .long], help: "Download: the server sends. Without it, the client does.")
    var reverse = false

    @Option(
        name: [.customShort("P", allowingJoined: true), .long],
        help: ArgumentHelp("Streams in the one connection, 1 to 128.", valueName: "n"))
    var parallel = 1

    @Option(
        name: [.customShort("t", allowingJoined: true), .long],
        help: ArgumentHelp("How long to measure: 10, 10s, 1m30s, 500ms. Default: 10s, without -n.", valueName: "time"))
    var time: TimeArgument?

    @Option(
        name: [.customShort("n", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Payload bytes to send: 1000000, 64K, 1.5G (binary). With -t, whichever ends first.",
            valueName: "size"))
    var bytes: ByteCount?

    @Option(
        name: [.customShort("i", allowingJoined: true), .long],
        help: ArgumentHelp("The length of a row, from 100ms.", valueName: "time"))
    var interval = TimeArgument(.seconds(1))

    @Option(
        name: [.customShort("O", allowingJoined: true), .long],
        help: ArgumentHelp("Leave out the first part of the test, which comes in addition to -t.", valueName: "time"))
    var omit = TimeArgument(.zero)

    @Option(help: ArgumentHelp("How long the server may take to answer.", valueName: "time"))
    var connectTimeout = TimeArgument(.seconds(10))

    @Option(
        help: ArgumentHelp("Trust the authorities in this PEM file instead of the system's.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt"]))
    var ca: String?

    @Option(help: ArgumentHelp("The name that the server's certificate must have, if not <host>.", valueName: "name"))
    var serverName: String?

    @Option(help: ArgumentHelp("Accept this certificate and no other: sha256:<64 hex digits>.", valueName: "pin"))
    var pin: String?

    @Flag(help: "Accept any certificate. Every report says so.")
    var insecure = false

    @Option(
        name: .customLong("client-cert"),
        help: ArgumentHelp(
            "Show this certificate chain, leaf first (PEM), to a server that demands one.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt"]))
    var certificate: String?

    @Option(
        name: .customLong("client-key"),
        help: ArgumentHelp("The private key of --client-cert (PEM).", valueName: "file"),
        completion: .file(extensions: ["pem", "key"]))
    var key: String?

    @OptionGroup var network: NetworkArguments

    @Flag(help: "Print one JSON object instead of text, also on failure (docs/result.schema.json).")
    var json = false

    @Flag(name: .shortAndLong, help: "Print no rows and no progress, just the summary.")
    var quiet = false

    func validate() throws {
        // A mistyped subcommand would become a host, and an odd "unknown host".
        if let meant = NearMiss.find(host, among: ["serve", "client", "help"]) {
            throw ValidationError(
                "Did you mean `qrate \(meant)`? To test against a host called \(host), write `qrate client \(host)`.")
        }
    }

    func run() async throws {
        let output = ClientOutput(json: json, quiet: quiet)
        do throws(TestFailure) {
            let configuration = try configuration()
            let client = try TestClient(configuration)
            SignalWatch.handle { signal, isRepeated in
                client.cancel()
                if isRepeated { SignalWatch.die(of: signal) }
            }
            output.begin(configuration.parameters, host: configuration.host, port: configuration.port)
            let report = await client.run { output.show($0) }
            output.finish(report)
            if let failure = report.failure { throw failure }
        } catch {
            throw output.exitCode(for: error)
        }
    }

    private func configuration() throws(TestFailure) -> TestConfiguration {
        var configuration = TestConfiguration(host: host, port: port, parameters: try parameters())
        configuration.trust = try trust()
        configuration.serverName = serverName
        configuration.certificate = try .given(certificate, key, "--client-cert and --client-key")
        configuration.connectTimeout = connectTimeout.duration
        configuration.network = network.options
        return configuration
    }

    private func parameters() throws(TestFailure) -> TestParameters {
        let limit: TestLimit =
            switch (time?.duration, bytes) {
            case (let time?, let bytes?): .whicheverFirst(time, bytes)
            case (nil, let bytes?): .bytes(bytes)
            case (let time, nil): .duration(time ?? TestParameters.defaultDuration)
            }
        return TestParameters(
            direction: reverse ? .download : .upload, streams: parallel, limit: limit, warmUp: omit.duration,
            interval: interval.duration)
    }

    private func trust() throws(TestFailure) -> TrustPolicy {
        let given = [insecure ? "--insecure" : nil, pin == nil ? nil : "--pin", ca == nil ? nil : "--ca"].compactMap {
            $0
        }
        guard given.count <= 1 else {
            throw TestFailure(.usage, "\(given.joined(separator: " and ")) exclude each other: choose one")
        }
        if insecure { return .insecure }
        if let pin { return .pinned(pin) }
        return .verify(authorities: ca)
    }
}

/// Finds the word that somebody meant.
enum NearMiss {
    /// The candidate that differs from `text` in one letter: missing, added, swapped or wrong. nil for a match, too.
    static func find(_ text: String, among candidates: [String]) -> String? {
        candidates.first { $0 != text && distance(Array(text.lowercased()), Array($0)) <= 1 }
    }

    /// Optimal string alignment distance.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var rows = [Array(0...b.count)]
        for i in 1..<(a.count + 1) {
            var row = [i]
            for j in 1..<(b.count + 1) {
                let cost = a[i - 1] == b[j - 1] ? 0 : 1
                var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
