import ArgumentParser
import QrateKit
import QrateReporting

struct SelfTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "What this machine itself can do: every transport over the loopback, and what the system grants.",
        discussion: """
            Starts a server of its own that nobody else can reach. A figure that was measured on a path and comes near \
            these says more of this machine than of the path. Ends with status 1 when something that a test needs doesn't \
            work here.
            """)

    @Option(
        name: [.customShort("t", allowingJoined: true), .long],
        help: ArgumentHelp("How long to test each transport: 500ms, 1s, 1m. Default: 1s.", valueName: "time"))
    var time = TimeArgument(SelfTestReport.defaultDuration)

    @Flag(help: "Print one JSON object instead of text, also on failure (docs/selftest.schema.json).")
    var json = false

    func run() async throws {
        let report: SelfTestReport
        do throws(TestFailure) {
            let test = try SelfTest(duration: time.duration)
            SignalWatch.handle { signal, isRepeated in
                test.cancel()
                if isRepeated { SignalWatch.die(of: signal) }
            }
            report = await test.run { [self] in show($0) }
        } catch {
            if json { Console.write(SelfTestJSON.failure(error), to: .output) }
            throw Self.end(error)
        }
        Console.write(
            json ? (try? SelfTestJSON().document(report)) ?? "" : SelfTestText.summary(report), to: .output)
        if let failure = report.failure { throw Self.end(failure) }
        if report.hasFault { throw ExitCode(TestFailure.Kind.failed.exitStatus) }
    }

    /// Says what failed, on standard error, and gives the process's exit status.
    private static func end(_ failure: TestFailure) -> ExitCode {
        Console.write(PlainTextReporter.problem(failure), to: .error)
        return ExitCode(failure.kind.exitStatus)
    }

    private func show(_ event: SelfTest.Event) {
        guard !json else { return }
        switch event {
        case .inspected(let report): Console.write(SelfTestText.header(report) + SelfTestText.heading, to: .output)
        case .testBegan: break
        case .testEnded(let figure): Console.write(SelfTestText.row(figure), to: .output)
        }
    }
}
