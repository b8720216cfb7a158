import FoundationEssentials

/// The built `qrate`, as its users run it.
package enum QrateProgram {
    /// Beside the test bundle that is running: the package manager puts them together.
    package static let path = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "qrate").path

    /// Its environment, with a state directory of the test's.
    static func variables(state: String) -> [String: String] { ["XDG_STATE_HOME": state] }

    /// Runs it to its end.
    ///
    /// - Parameter state: Its `XDG_STATE_HOME`. nil for a new, empty one.
    package static func run(_ arguments: [String], state: String? = nil) async throws -> RunningProgram.Outcome {
        let fresh = try TemporaryDirectory()
        let variables = variables(state: state ?? fresh.path)
        return try await withProgram(path, arguments, variables) { try await $0.outcome() }
    }
}
