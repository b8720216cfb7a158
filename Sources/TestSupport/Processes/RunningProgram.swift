internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// A program that runs beside the test, with pipes for what it prints.
package final class RunningProgram: Sendable {
    package let id: CInt
    package let output: LineLog
    package let errors: LineLog
    private let ending: Task<CInt, any Error>
    private let state: Mutex<State>

    private struct State {
        var hasEnded = false
        var signals: [CInt] = []
    }

    /// - Parameters:
    ///   - path: Of the program, or its name, to be found in `PATH`.
    ///   - variables: What to change in the environment.
    fileprivate static func start(
        _ path: String, _ arguments: [String], _ variables: [String: String]
    ) async throws -> RunningProgram {
        let executable: Executable = path.contains("/") ? .path(FilePath(path)) : .name(path)
        let environment = Environment.inherit.updating(
            Dictionary(uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0), $1) }))
        let output = LineLog()
        let errors = LineLog()
        let (starts, started) = AsyncStream.makeStream(of: CInt.self)
        let ending = Task {
            defer { started.finish() }
            let run = try await Subprocess.run(
                executable, arguments: Arguments(arguments), environment: environment, input: .none,
                output: .sequence, error: .sequence
            ) { execution in
                started.yield(execution.processIdentifier.value)
                async let drained: Void = output.fill(from: execution.standardOutput)
                try await errors.fill(from: execution.standardError)
                try await drained
            }
            return status(run.terminationStatus)
        }
        for await id in starts { return RunningProgram(id, output, errors, ending) }
        _ = try await ending.value  // throws why it couldn't start
        throw LineLog.NothingCame(awaited: "\(path)'s start", text: "")
    }

    private static func status(_ status: TerminationStatus) -> CInt {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }

    private init(_ id: CInt, _ output: LineLog, _ errors: LineLog, _ ending: Task<CInt, any Error>) {
        self.id = id
        self.output = output
        self.errors = errors
        self.ending = ending
        state = Mutex(State())
    }

    /// Signals this process, unless it is known to have ended: its number may be another's by then.
    package func send(_ signal: CInt) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.signals.append(signal)
            kill(id, signal)
        }
    }

    /// Whether the test sent it a signal that ends programs.
    package var wasTold: Bool { state.withLock { $0.signals.contains { [SIGTERM, SIGINT, SIGKILL].contains($0) } } }

    /// Whether its pipes are open, which they are until it ends.
    package var isRunning: Bool { !output.hasEnded || !errors.hasEnded }

    /// Waits for its end, and ends it when that doesn't come.
    ///
    /// - Returns: Its exit status, or 128 and the number of the signal that ended it, as shells have it.
    @discardableResult
    package func end() async throws -> CInt {
        let alarm = Task {
            try await Task.sleep(for: LineLog.patience)
            send(SIGKILL)
            throw LineLog.NothingCame(awaited: "the end", text: output.text + errors.text)
        }
        let status = try await ending.value
        state.withLock { $0.hasEnded = true }
        alarm.cancel()
        if case .failure(let error as LineLog.NothingCame) = await alarm.result { throw error }
        return status
    }

    /// What a program that has run to its end left behind.
    package struct Outcome: Sendable {
        /// As ``RunningProgram/end()`` gives it.
        package let status: CInt
        package let output: String
        package let errors: String
    }

    package func outcome() async throws -> Outcome {
        let status = try await end()
        return Outcome(status: status, output: output.text, errors: errors.text)
    }
}

/// Runs a program for as long as `body` takes; what runs then is killed.
package func withProgram<Result>(
    _ path: String, _ arguments: [String], _ variables: [String: String] = [:],
    _ body: (RunningProgram) async throws -> Result
) async throws -> Result {
    let program = try await RunningProgram.start(path, arguments, variables)
    do {
        let result = try await body(program)
        program.send(SIGKILL)
        try await program.end()
        return result
    } catch {
        program.send(SIGKILL)
        _ = try? await program.end()
        throw error
    }
}

extension LineLog {
    fileprivate func fill(from stream: SubprocessOutputSequence) async throws {
        defer { end() }
        for try await buffer in stream { append(buffer.withUnsafeBytes { Array($0) }) }
    }
}
