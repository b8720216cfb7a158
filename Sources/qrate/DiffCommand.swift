import ArgumentParser
import QrateKit
import QrateReporting

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Hold a saved result or comparison against an earlier one of the same test: does it carry less?",
        discussion: """
            Takes what --json printed. Comparisons have rounds, which tell chance from change; of single results, what \
            differs by more than the threshold counts. Ends with status 1 when the later one carries less.
            """)

    @Argument(help: "The earlier one: a file, or - for standard input.")
    var before: String

    @Argument(help: "The later one, of the same test.")
    var after: String

    @Option(
        help: ArgumentHelp(
            "The least difference that counts. Default: 10% between single results, 0% beyond chance between rounds.",
            valueName: "percent"))
    var threshold: PercentArgument?

    @Flag(help: "Print one JSON object instead of text, also on failure (docs/diff.schema.json).")
    var json = false

    func run() async throws {
        let report: DiffReport
        do throws(TestFailure) {
            report = try await diff()
        } catch {
            if json { Console.write(DiffJSON.failure(error), to: .output) }
            Console.write(PlainTextReporter.problem(error), to: .error)
            throw ExitCode(error.kind.exitStatus)
        }
        Console.write(json ? (try? DiffJSON().document(report)) ?? "" : DiffText.document(report), to: .output)
        if report.isRegression { throw ExitCode(TestFailure.Kind.failed.exitStatus) }
    }

    private func diff() async throws(TestFailure) -> DiffReport {
        if before == "-", after == "-" {
            throw TestFailure(.usage, "only one of the two can be standard input (-)")
        }
        if let threshold, !DiffReport.thresholdLimits.contains(threshold.share) {
            throw TestFailure(.usage, "a threshold (--threshold) lies between 0% and 99%")
        }
        return try ResultDiff.report(try await saved(before), try await saved(after), threshold: threshold?.share)
    }

    private func saved(_ name: String) async throws(TestFailure) -> SavedMeasurement {
        let bytes = try await InputFile.read(name, limit: SavedDocument.sizeLimit)
        return try SavedDocument.read(bytes, name: InputFile.displayName(name))
    }
}
