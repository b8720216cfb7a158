import FoundationEssentials
import QrateMeasurement
import QrateOrchestration
import QrateTransportAPI

/// Runs one test against a server.
///
///     let client = try TestClient(TestConfiguration(host: "paris.example.net"))
///     let report = await client.run { event in ... }
///     print(report.upload?.throughput as Any)
///
/// Any number of them may run in one process. Cancelling the task that runs the test, or ``cancel()``, ends it on both
/// sides and still gives what was measured.
public final class TestClient: Sendable {
    private let test: ClientTest
    private let recording: Recording

    /// What a test tells while it runs.
    public enum Event: Sendable {
        /// Both ends agreed and payload begins to move. The report holds what is known so far: the ends and their
        /// settings, the handshake, the certificate's verdict.
        case started(TestReport)
        case interval(IntervalReport)
        case warning(TestWarning)
        /// Payload stands still at both ends, or goes on.
        case paused(Bool)
    }

    /// - Throws: `usage` when the configuration can't be run, `badInput` or `permission` when a file that it names
    ///   can't be used.
    public init(_ configuration: TestConfiguration) throws(TestFailure) {
        try configuration.validate()
        recording = try Recording.open(configuration.recording, for: [configuration.parameters.transport])
        test = ClientTest(
            transport: try TransportFactory.make(configuration, recording),
            endpoint: Endpoint(host: configuration.host, port: configuration.port),
            parameters: configuration.parameters, connectTimeout: configuration.connectTimeout,
            startedAt: Date().timeIntervalSince1970, platform: .current)
    }

    /// Runs the test, once.
    ///
    /// - Parameter observe: Called in order, before this returns. It should be quick: the test's control task waits for
    ///   it (its payload doesn't).
    /// - Returns: Always a report. Its `failure` says why, when the test didn't run to its planned end.
    public func run(_ observe: @escaping @Sendable (Event) -> Void = { _ in }) async -> TestReport {
        let startedAt = Date().timeIntervalSince1970
        var report = await test.run { event in
            switch event {
            case .connected: break
            case .started(let header): observe(.started(TestReport(header, startedAt: startedAt)))
            case .interval(let row): observe(.interval(row))
            case .warning(let warning): observe(.warning(warning))
            case .paused(let isPaused): observe(.paused(isPaused))
            }
        }
        await recording.conclude(&report)
        return report
    }

    /// Lets payload stand still at both ends, or go on; ``Event/paused(_:)`` says when. The time between counts nowhere.
    ///
    /// - Throws: `usage` when the test isn't running, or its server can't pause.
    public func setPaused(_ isPaused: Bool) throws(TestFailure) { try test.setPaused(isPaused) }

    /// Ends the test early, on both sides. Idempotent, from any thread.
    public func cancel() { test.cancel() }
}

extension TestReport {
    init(_ header: TestHeader, startedAt: Double) {
        self.init(
            id: header.id, startedAt: startedAt, parameters: header.parameters, client: header.client,
            server: header.server, handshake: header.handshake, security: header.security)
    }
}
