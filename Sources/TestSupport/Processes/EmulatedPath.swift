import FoundationEssentials
internal import Glibc
package import QratePathEmulation

/// An emulated network path between two namespaces, the client's and the server's, while ``withPath(_:_:)`` runs.
package struct EmulatedPath: Sendable {
    private let emulator: RunningProgram
    private let ends: [Role: PathEvent.End]

    /// Whose namespace.
    package enum Role: Sendable { case client, server }

    /// The emulator, beside the test bundle that is running.
    private static let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "qrate-path").path

    /// Whether this process may make network namespaces and TUN devices, as root usually may. Where tests must not be
    /// skipped it is true, so that they fail instead.
    package static func isPermitted() async -> Bool {
        guard ProcessInfo.processInfo.environment["QRATE_TESTS_REQUIRE_ROOT"] == nil else { return true }
        return (try? await withProgram(program, ["--check"]) { try await $0.outcome().status }) == 0
    }

    fileprivate static func start<Result>(
        _ settings: PathSettings, _ body: (EmulatedPath) async throws -> Result
    ) async throws -> Result {
        try await withProgram(program, settings.arguments) { emulator in
            let ready = try await emulator.output.wait(for: "an emulated path (\(emulator.errors.text))") { lines in
                try lines.first.map(event)
            }
            guard let client = ready.client, let server = ready.server else {
                throw LineLog.NothingCame(awaited: "ready", text: emulator.output.text)
            }
            return try await body(EmulatedPath(emulator: emulator, ends: [.client: client, .server: server]))
        }
    }

    private static func event(_ line: String) throws -> PathEvent {
        try JSONDecoder().decode(PathEvent.self, from: Data(line.utf8))
    }

    package func address(of role: Role) -> String { ends[role]?.address ?? "" }
    /// nil where there is no IPv6.
    package func addressV6(of role: Role) -> String? { ends[role]?.addressV6 }

    /// What to put before a command so that it runs in that namespace. The process is the command's own, so that signals
    /// reach it.
    package func launcher(_ role: Role) -> [String] { ["nsenter", "--net=\(ends[role]?.namespace ?? "")", "--"] }

    /// What has become of the packets so far.
    package func counters() async throws -> PathEvent {
        let before = emulator.output.lines.count
        emulator.send(SIGUSR1)
        return try await emulator.output.wait(for: "the emulator's counters") { lines in
            try lines.dropFirst(before).first.map(Self.event)
        }
    }

    /// The same, once nothing is on its way any more. For when nothing sends any more.
    package func settledCounters() async throws -> PathEvent {
        while true {
            let counters = try await counters()
            let waiting = [counters.upload, counters.download].map { $0?.packets.waiting ?? 0 }
            if waiting == [0, 0] { return counters }
            await Task.yield()
        }
    }
}

/// Emulates a path for as long as `body` takes.
package func withPath<Result>(
    _ settings: PathSettings, _ body: (EmulatedPath) async throws -> Result
) async throws -> Result {
    try await EmulatedPath.start(settings, body)
}
