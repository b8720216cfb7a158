import ArgumentParser
import QrateKit
import QrateReporting
import QrateTerminalUI
import Synchronization

/// Shows a comparison: rounds and verdict on standard output, everything else on standard error.
final class ComparisonOutput: Sendable {
    enum Format: Sendable { case text, json, csv }

    private let format: Format
    private let quiet: Bool
    /// A line that is redrawn in place belongs on a terminal only.
    private let showsProgress: Bool
    private let state = Mutex(State())

    private struct State {
        var text: ComparisonText?
        var progress: ComparisonProgress?
        var ticker: Task<Void, Never>?
        var isProgressDrawn = false
        var hasHeading = false
        var printedRounds = 0
        var latest: ComparisonReport?
        var hasReported = false
    }

    init(_ format: Format, quiet: Bool) {
        self.format = format
        self.quiet = quiet
        showsProgress = !quiet && Console.isTerminal(.error)
    }

    func begin(_ parameters: ComparisonParameters) {
        state.withLock { state in
            state.text = ComparisonText(parameters)
            state.progress = ComparisonProgress(parameters)
            guard showsProgress else { return }
            state.ticker = Task {
                while !Task.isCancelled {
                    self.drawProgress()
                    try? await Task.sleep(for: .milliseconds(200))
                }
            }
        }
    }

    func show(_ event: ComparisonClient.Event) {
        state.withLock { state in
            state.progress?.take(event)
            guard !quiet else { return }
            switch event {
            case .testEnded(let report):
                state.latest = report
                guard let last = report.rounds.last, last.tests.count == report.parameters.transports.count,
                    last.number > state.printedRounds
                else { return }
                printRounds(report, &state)
            case .testBegan(_, let round, _):
                // A round without a transport that was given up is known to be over when the next one begins.
                guard let report = state.latest, let last = report.rounds.last, last.number < round,
                    last.number > state.printedRounds
                else { return }
                printRounds(report, &state)
            case .handshakesBegan, .togetherBegan, .interval: break
            }
        }
    }

    func finish(_ report: ComparisonReport) {
        state.withLock { state in
            state.ticker?.cancel()
            state.ticker = nil
            eraseProgress(&state)
            state.hasReported = true
            switch format {
            case .json: Console.write((try? ComparisonJSON().document(report)) ?? "", to: .output)
            case .csv: Console.write(ComparisonCSV.document(report), to: .output)
            case .text:
                // Of a comparison that never got anywhere there is no result to print, just the reason.
                guard let text = state.text, report.example?.server != nil else { return }
                printRounds(report, &state)
                Console.write(text.summary(report), to: .output)
                Console.write(text.notes(report), to: .error)
            }
        }
    }

    /// Says what failed, on standard error and in JSON mode in the one object, and gives the process's exit status.
    func exitCode(for failure: TestFailure) -> ExitCode {
        state.withLock { state in
            eraseProgress(&state)
            if format == .json, !state.hasReported {
                Console.write(ComparisonJSON.failure(failure), to: .output)
            }
            Console.write(PlainTextReporter.problem(failure), to: .error)
        }
        return ExitCode(failure.kind.exitStatus)
    }

    /// The rounds that aren't printed yet, the header before the first. In quiet mode the header alone.
    private func printRounds(_ report: ComparisonReport, _ state: inout State) {
        // As long as no server has answered there is nothing to head.
        guard format == .text, let text = state.text, report.example?.server != nil else { return }
        eraseProgress(&state)
        if !state.hasHeading {
            state.hasHeading = true
            Console.write(text.header(report) + text.heading, to: .output)
        }
        guard !quiet else { return }
        for round in report.rounds.dropFirst(state.printedRounds) { Console.write(text.row(round), to: .output) }
        state.printedRounds = report.rounds.count
    }

    // MARK: The progress line

    private func drawProgress() {
        state.withLock { state in
            guard let progress = state.progress, state.ticker != nil else { return }
            let line = ProgressLine.cut(progress.line(at: .now), width: Console.width)
            Console.write(ProgressLine.erase + line, to: .error)
            state.isProgressDrawn = true
        }
    }

    private func eraseProgress(_ state: inout State) {
        guard state.isProgressDrawn else { return }
        Console.write(ProgressLine.erase, to: .error)
        state.isProgressDrawn = false
    }
}
