import ArgumentParser
import QrateKit
import QrateReporting

struct ClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Test against a server (the default: `qrate <host>`).")

    @Argument(help: "The server: a name or an address.")
    var host: String

    @OptionGroup(title: "Test") var test: TestArguments
    @OptionGroup(title: "Transport") var transport: TransportArguments
    @OptionGroup(title: "Network") var endpoint: EndpointArguments
    @OptionGroup(title: "Network") var network: NetworkArguments
    @OptionGroup(title: "Certificates") var certificates: CertificateArguments
    @OptionGroup(title: "Recording") var recording: RecordingArguments
    @OptionGroup(title: "Output") var output: OutputArguments

    func validate() throws {
        // A mistyped subcommand would become a host, and an odd "unknown host".
        if let meant = NearMiss.find(host, among: ["serve", "client", "compare", "handshakes", "help"]) {
            throw ValidationError(
                "Did you mean `qrate \(meant)`? To test against a host called \(host), write `qrate client \(host)`.")
        }
    }

    func run() async throws {
        let output = ClientOutput(json: output.json, quiet: output.quiet)
        do throws(TestFailure) {
            let configuration = try testConfiguration()
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

    /// What the arguments say.
    ///
    /// - Throws: `usage` for arguments that contradict each other.
    func testConfiguration() throws(TestFailure) -> TestConfiguration {
        var configuration = TestConfiguration(
            host: host, port: endpoint.port, parameters: try test.parameters(transport))
        configuration.trust = try certificates.trust
        configuration.serverName = certificates.serverName
        configuration.certificate = try certificates.files
        configuration.connectTimeout = endpoint.connectTimeout.duration
        configuration.network = network.options
        configuration.local = try endpoint.local
        configuration.recording = recording.options
        return configuration
    }
}
