import ArgumentParser
import Glibc
import QrateMeasurement
import QrateReporting

@main enum Main {
    static func main() { SignalWatch.run { await run() } }

    private static func run() async {
        do {
            var command = try Qrate.parseAsRoot()
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            end(error)
        }
    }

    /// What was asked for is printed by the parser (`--help`), what failed was said by its command; what is wrong with
    /// the arguments is said here, in the same way as every other failure.
    private static func end(_ error: any Error) -> Never {
        guard !(error is ExitCode), Qrate.exitCode(for: error) == .validationFailure else {
            Qrate.exit(withError: error)
        }
        let arguments = CommandLine.arguments.dropFirst()
        let names = ["serve", "compare", "diff", "handshakes", "selftest"]
        let command = names.first { $0 == arguments.first }
        let help = command.map { "qrate \($0) --help" } ?? "qrate --help"
        let failure = TestFailure(.usage, "\(Qrate.message(for: error)) (`\(help)` lists the options)")
        if arguments.contains("--json") {
            let document =
                switch command {
                case "handshakes": HandshakesJSON.failure(failure)
                case "compare": ComparisonJSON.failure(failure)
                case "diff": DiffJSON.failure(failure)
                case "selftest": SelfTestJSON.failure(failure)
                default: JSONReporter.failure(failure)
                }
            Console.write(document, to: .output)
        }
        Console.write(PlainTextReporter.problem(failure), to: .error)
        exit(failure.kind.exitStatus)
    }
}

struct Qrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qrate",
        abstract: """
            Measures what a network path carries over QUIC, TLS, TCP and UDP, and says how far the figure can be trusted.
            """,
        usage: "",  // it would come behind the discussion
        discussion: clientHelp,
        version: "qrate \(QrateVersion.number)",
        subcommands: [
            ClientCommand.self, ServeCommand.self, CompareCommand.self, DiffCommand.self, HandshakesCommand.self,
            SelfTestCommand.self,
        ],
        defaultSubcommand: ClientCommand.self)

    private static let environment = """
        ENVIRONMENT:
          SSLKEYLOGFILE           QUIC, TLS: append the secrets of all connections to this
                                  file (NSS key log). Who has it can read what they carry.
        """

    /// How to use it, and the options of the default subcommand, which the parser would only show for
    /// `qrate client --help`.
    private static var clientHelp: String {
        let usage = """
            USAGE: qrate <host> [<options>]             test against the server on <host>
                   qrate serve [<options>]              be that server
                   qrate compare <host> [<options>]     compare transports on the path to it
                   qrate diff <before> <after>          hold one saved result against another
                   qrate handshakes <host> [<options>]  measure that server's handshakes
                   qrate selftest [<options>]           what this machine itself can do
            """
        let help = ClientCommand.helpMessage(columns: 78).split(separator: "\n", omittingEmptySubsequences: false)
        // Its last section has nothing but the option that the reader just used.
        let sections = help.drop { $0 != "ARGUMENTS:" }.prefix { $0 != "OPTIONS:" }
        return usage + "\n\n" + sections.joined(separator: "\n") + environment
    }
}
