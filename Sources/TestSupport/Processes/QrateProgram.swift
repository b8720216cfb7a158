import FoundationEssentials

/// The built `qrate`, as its users run it.
package enum QrateProgram {
    /// Beside the test bundle that is running: the package manager puts them together.
    package static let path = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "qrate").path

    /// A state directory of the test's, and no key log unless the test asks for one.
    private static func variables(state: String) -> [String: String] {
        ["XDG_STATE_HOME": state, "SSLKEYLOGFILE": ""]
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - state: Its `XDG_STATE_HOME`. nil for a new, empty one.
    ///   - variables: What else to change in its environment.
    ///   - launcher: A command that runs the one behind it, as ``EmulatedPath/launcher(_:)`` gives it.
    package static func run(
        _ arguments: [String], state: String? = nil, variables: [String: String] = [:], launcher: [String] = []
    ) async throws -> RunningProgram.Outcome {
        let fresh = try TemporaryDirectory()
        return try await with(arguments, state: state ?? fresh.path, variables: variables, launcher: launcher) {
            try await $0.outcome()
        }
    }

    /// Runs it for as long as `body` takes; if it runs then, it is killed.
    package static func with<Result>(
        _ arguments: [String], state: String, variables: [String: String] = [:], launcher: [String] = [],
        _ body: (RunningProgram) async throws -> Result
    ) async throws -> Result {
        let command = launcher + [path] + arguments
        let environment = Self.variables(state: state).merging(variables) { $1 }
        return try await withProgram(command[0], Array(command.dropFirst()), environment, body)
    }
}
