import ArgumentParser
import QrateKit
import QrateReporting
import Synchronization

/// Shows a measurement of handshakes: figures on standard output, everything else on standard error.
final class HandshakesOutput: Sendable {
    private let json: Bool
    private let quiet: Bool
    private let state = Mutex(State())

    private struct State {
        var hasStarted = false
        var hasReported = false
    }

    init(json: Bool, quiet: Bool) {
        self.json = json
        self.quiet = quiet
    }

    func show(_ event: HandshakeClient.Event) {
        state.withLock { state in
            switch event {
            case .started(let report):
                state.hasStarted = true
                guard !json else { return }
                if !quiet { Console.write(HandshakesText.header(report), to: .output) }
                Console.write(HandshakesText.heading, to: .output)
            case .phaseBegan: break
            case .phaseEnded(let phase):
                if !json { Console.write(HandshakesText.row(phase), to: .output) }
            }
        }
    }

    func finish(_ report: HandshakeTestReport) {
        state.withLock { state in
            state.hasReported = true
            if json {
                Console.write((try? HandshakesJSON().document(report)) ?? "", to: .output)
                return
            }
            guard state.hasStarted else { return }
            Console.write(HandshakesText.summary(report), to: .output)
            Console.write(HandshakesText.notes(report), to: .error)
        }
    }

    /// Says what failed, on standard error and in JSON mode in the one object, and gives the process's exit status.
    func exitCode(for failure: TestFailure) -> ExitCode {
        state.withLock { state in
            if json, !state.hasReported { Console.write(HandshakesJSON.failure(failure), to: .output) }
            Console.write(PlainTextReporter.problem(failure), to: .error)
        }
        return ExitCode(failure.kind.exitStatus)
    }
}
