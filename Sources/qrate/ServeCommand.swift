import ArgumentParser
import Glibc
import QrateKit

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Be the server: tests over QUIC, TLS, TCP and UDP on one port, many clients at once.",
        discussion: """
            Without --cert and --key it makes a self-signed certificate at the first start and keeps it in \
            $XDG_STATE_HOME/qrate. SIGHUP reads the certificate and --client-ca anew; SIGINT and SIGTERM end running tests in order.

            With SSLKEYLOGFILE in its environment it appends the secrets of all QUIC and TLS connections to that file: who has \
            it can read them.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The port. 0 takes a free one.", valueName: "port"))
    var port = TestConfiguration.defaultPort

    @Option(
        help: ArgumentHelp("The certificate chain, leaf first (PEM).", valueName: "file"),
        completion: .file(extensions: ["pem", "crt"]))
    var cert: String?

    @Option(
        help: ArgumentHelp("The certificate's private key (PEM).", valueName: "file"),
        completion: .file(extensions: ["pem", "key"]))
    var key: String?

    @Option(
        name: .customLong("client-ca"),
        help: ArgumentHelp(
            "Demand a certificate of every client, signed by an authority in this PEM file.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt"]))
    var clientAuthorities: String?

    @Flag(name: [.customShort("1"), .long], help: "Serve one test, then end.")
    var oneOff = false

    @Option(help: ArgumentHelp("Refuse longer tests.", valueName: "time"))
    var maxDuration = TimeArgument(TestParameters.longestTest)

    @Option(help: ArgumentHelp("Refuse more tests at once.", valueName: "n"))
    var maxTests = 64

    @Flag(help: "Make clients prove their address first, for one more round trip (QUIC Retry).")
    var retry = false

    @Option(help: ArgumentHelp("Forget clients that were silent for this long.", valueName: "time"))
    var idleTimeout = TimeArgument(.seconds(30))

    @Option(
        help: ArgumentHelp(
            "Serve QUIC on so many threads. One per available processor unless told otherwise.", valueName: "n"))
    var threads: Int?

    @OptionGroup var network: NetworkArguments
    @OptionGroup var recording: RecordingArguments

    @Flag(help: "Print events as JSON objects, one a line, on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "Log no tests, only problems.")
    var quiet = false

    func run() async throws {
        let log = ServeLog(json: json, quiet: quiet)
        do throws(TestFailure) {
            let configuration = try configuration()
            let server = try await TestServer.start(configuration) { log.record($0) }
            SignalWatch.handle { signal, isRepeated in
                guard signal == SIGHUP else {
                    server.stop()
                    if isRepeated { SignalWatch.die(of: signal) }
                    return
                }
                Task {
                    do throws(TestFailure) {
                        try await server.reloadCertificate()
                        log.note("certificate read anew: \(server.fingerprint)")
                    } catch {
                        log.problem("the old certificate stays: \(error.message)")
                    }
                }
            }
            log.recording(configuration.recording)
            log.listening(server)  // after it, signals are ours
            await server.run()
            log.recorded(server)
        } catch {
            log.failed(error)
            throw ExitCode(error.kind.exitStatus)
        }
    }

    private func configuration() throws(TestFailure) -> ServerConfiguration {
        var configuration = ServerConfiguration(port: port)
        configuration.certificate = try .given(cert, key, "--cert and --key")
        configuration.clientAuthorities = clientAuthorities
        configuration.isOneOff = oneOff
        configuration.maxDuration = maxDuration.duration
        configuration.maxTests = maxTests
        configuration.demandsRetry = retry
        configuration.idleTimeout = idleTimeout.duration
        configuration.threads = threads
        configuration.network = network.options
        configuration.recording = recording.options
        return configuration
    }
}
