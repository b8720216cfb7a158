import FoundationEssentials
internal import Glibc

/// A `qrate serve --json` that listens on a free port of this machine.
package struct ServerProcess: Sendable {
    package let program: RunningProgram
    package let port: UInt16
    /// As `--pin` takes it.
    package let fingerprint: String
    /// For what the test writes; in it are the state directories of the server and of its clients.
    package let directory: String
    /// Between it and its clients; nil for this machine's loopback.
    package let path: EmulatedPath?

    /// One line of what the server prints.
    package struct Event: Sendable, Decodable {
        package var event: String
        package var port: UInt16?
        package var fingerprint: String?
        package var id: String?
        package var peer: String?
        package var transport: String?
        package var direction: String?
        package var streams: Int?
        package var upload: Received?
        package var download: Received?
        package var message: String?

        package struct Received: Sendable, Decodable {
            package var bytesReceived: UInt64
            package var datagramsReceived: UInt64?
            package var datagramsLost: Int64?
        }

        /// Of the one direction that was tested.
        package var bytesReceived: UInt64? { (upload ?? download)?.bytesReceived }
    }

    package var events: [Event] { get throws { try Self.events(program.output.lines) } }

    private static func events(_ lines: [String]) throws -> [Event] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try lines.map { try decoder.decode(Event.self, from: Data($0.utf8)) }
    }

    /// Waits until there are so many events of that name, and gives them.
    @discardableResult
    package func events(_ name: String, count: Int = 1) async throws -> [Event] {
        try await program.output.wait(for: "\(count) times the event \(name)") { lines in
            let events = try Self.events(lines).filter { $0.event == name }
            return events.count >= count ? events : nil
        }
    }

    // MARK: Its clients

    package var clientState: String { directory + "/client" }

    private func command(_ arguments: [String], host: String?) -> [String] {
        [host ?? path?.address(of: .server) ?? "127.0.0.1", "-p", "\(port)"] + arguments
    }

    /// Runs a client of this server to its end.
    ///
    /// - Parameters:
    ///   - host: nil for where the server is.
    ///   - variables: What to change in its environment.
    package func client(
        _ arguments: [String], host: String? = nil, variables: [String: String] = [:]
    ) async throws -> RunningProgram.Outcome {
        try await QrateProgram.run(
            command(arguments, host: host), state: clientState, variables: variables,
            launcher: path?.launcher(.client) ?? [])
    }

    /// Runs a client of this server for as long as `body` takes; if it runs then, it is killed.
    package func withClient<Result>(
        _ arguments: [String], _ body: (RunningProgram) async throws -> Result
    ) async throws -> Result {
        try await QrateProgram.with(
            command(arguments, host: nil), state: clientState, launcher: path?.launcher(.client) ?? [], body)
    }

    // MARK: Its life

    fileprivate static func listening(
        _ program: RunningProgram, _ directory: String, _ path: EmulatedPath?
    ) async throws -> ServerProcess {
        let event = try await program.output.wait(for: "the server's first line") { try events($0).first }
        guard event.event == "listening", let port = event.port, let fingerprint = event.fingerprint else {
            throw LineLog.NothingCame(awaited: "listening", text: program.output.text)
        }
        return ServerProcess(program: program, port: port, fingerprint: fingerprint, directory: directory, path: path)
    }

    /// A server must be able to end in order after every test, unless the test ended it itself.
    fileprivate func stop() async throws {
        guard !program.wasTold else { return }
        program.send(SIGTERM)
        let status = try await program.end()
        guard status != 0 else { return }
        throw BadEnd(description: "the server ended with status \(status): \(program.errors.text)")
    }

    package struct BadEnd: Error, CustomStringConvertible { package let description: String }
}

/// Runs a server for as long as `body` takes. It must then end in order when it is told to, or have done so.
///
/// - Parameters:
///   - state: Its `XDG_STATE_HOME`, nil for a new one.
///   - path: Between it and its clients; nil for this machine's loopback.
///   - variables: What to change in its environment.
///   - files: Writes what the server needs into a directory of its own, and gives the arguments about it.
package func withServer<Result>(
    _ arguments: [String] = [], state: String? = nil, variables: [String: String] = [:],
    over path: EmulatedPath? = nil,
    files: (_ directory: String) throws -> [String] = { _ in [] },
    _ body: (ServerProcess) async throws -> Result
) async throws -> Result {
    let directory = try TemporaryDirectory()
    let place = directory.path
    for name in ["server", "client"] {
        try FileManager.default.createDirectory(atPath: "\(place)/\(name)", withIntermediateDirectories: false)
    }
    let command = ["serve", "-p", "0", "--json"] + arguments + (try files(place))
    let launcher = path?.launcher(.server) ?? []
    return try await QrateProgram.with(
        command, state: state ?? place + "/server", variables: variables, launcher: launcher
    ) { program in
        let server = try await ServerProcess.listening(program, place, path)
        let result = try await body(server)
        try await server.stop()
        return result
    }
}
