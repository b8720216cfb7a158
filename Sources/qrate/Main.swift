import ArgumentParser
import QrateMeasurement

@main enum Main {
    static func main() { SignalWatch.run { await Qrate.main() } }
}

struct Qrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qrate",
        abstract: "Measures what a network path carries over QUIC, and says how far the figure can be trusted.",
        usage: """
            qrate <host> [<options>]     test against the server on <host>
            qrate serve [<options>]      be that server
            """,
        discussion: clientHelp,
        version: "qrate \(QrateVersion.number)",
        subcommands: [ClientCommand.self, ServeCommand.self],
        defaultSubcommand: ClientCommand.self)

    /// The options of the default subcommand, which the parser would only show for `qrate client --help`.
    private static var clientHelp: String {
        let help = ClientCommand.helpMessage(columns: 78)
        return help.split(separator: "\n", omittingEmptySubsequences: false)
            .drop { $0 != "ARGUMENTS:" }.joined(separator: "\n")
    }
}
