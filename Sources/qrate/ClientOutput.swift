import ArgumentParser
import QrateKit
import QrateReporting
import QrateTerminalUI
import Synchronization

/// Shows a test to the user: results on standard output, everything else on standard error.
final class ClientOutput: Sendable {
    private let json: Bool
    private let quiet: Bool
    private let state = Mutex(State())
    /// A line that is redrawn in place belongs on a terminal only.
    private let showsProgress: Bool

    private struct State {
        var text: PlainTextReporter?
        var hasStarted = false
        var hasRows = false
        var progress: TestProgress?
        var ticker: Task<Void, Never>?
        var isProgressDrawn = false
        var hasReported = false
    }

    init(json: Bool, quiet: Bool) {
        self.json = json
        self.quiet = quiet
        showsProgress = !quiet && Console.isTerminal(.error)
    }

    /// Before the connection is made.
    func begin(_ parameters: TestParameters, host: String, port: UInt16) {
        state.withLock { state in
            state.text = PlainTextReporter(parameters)
            state.progress = TestProgress(parameters)
        }
        guard showsProgress else { return }
        let ticker = Task {
            while !Task.isCancelled {
                self.drawProgress()
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
        state.withLock { $0.ticker = ticker }
    }

    func show(_ event: TestClient.Event) {
        state.withLock { state in
            switch event {
            case .started(let report):
                state.hasStarted = true
                state.progress?.start(report.parameters)
                state.text = PlainTextReporter(report.parameters)
                print(&state) { $0.header(report) }
            case .interval(let row):
                let isFirst = !state.hasRows
                state.hasRows = true
                state.progress?.add(row)
                print(&state) { (isFirst ? $0.heading : "") + $0.interval(row) }
            case .warning, .paused: break  // the report has all warnings
            }
        }
    }

    func finish(_ report: TestReport) {
        state.withLock { state in
            state.ticker?.cancel()
            state.ticker = nil
            eraseProgress(&state)
            state.hasReported = true
            if json {
                Console.write((try? JSONReporter().document(report)) ?? "", to: .output)
                return
            }
            // Of a test that never began there is no result to print, just the reason.
            guard let text = state.text, state.hasStarted || report.failure == nil else { return }
            if quiet, report.server != nil { Console.write(text.header(report), to: .output) }
            Console.write(text.summary(report, showsHeading: quiet || !state.hasRows), to: .output)
            Console.write(text.notes(report), to: .error)
        }
    }

    /// Says what failed, on standard error and in JSON mode in the one object, and gives the process's exit status.
    func exitCode(for failure: TestFailure) -> ExitCode {
        state.withLock { state in
            eraseProgress(&state)
            if json, !state.hasReported { Console.write(JSONReporter.failure(failure), to: .output) }
            Console.write(PlainTextReporter.problem(failure), to: .error)
        }
        return ExitCode(failure.kind.exitStatus)
    }

    private func print(_ state: inout State, _ text: (PlainTextReporter) -> String) {
        guard !json, !quiet, let reporter = state.text else { return }
        eraseProgress(&state)
        Console.write(text(reporter), to: .output)
    }

    // MARK: The progress line

    private func drawProgress() {
        state.withLock { state in
            guard let progress = state.progress, state.ticker != nil else { return }
            let line = ProgressLine.render(progress.line(at: .now), width: Console.width)
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
