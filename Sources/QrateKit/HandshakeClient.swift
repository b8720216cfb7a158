import FoundationEssentials
import QrateMeasurement
import QrateOrchestration
import QrateTransportAPI

/// Measures how fast a server completes handshakes.
///
///     let client = try HandshakeClient(HandshakeConfiguration(host: "paris.example.net"))
///     let report = await client.run { event in ... }
///     print(report.phases.first?.perSecond as Any)
public final class HandshakeClient: Sendable {
    private let test: HandshakeTest
    private let recording: Recording

    /// What a measurement tells while it runs.
    public enum Event: Sendable {
        /// The server was accepted. The report holds what is known so far: the ends, the certificate's verdict.
        case started(HandshakeTestReport)
        case phaseBegan(HandshakeKind)
        case phaseEnded(HandshakePhaseReport)
    }

    /// - Throws: `usage` when the configuration can't be run, `badInput` or `permission` when a file that it names
    ///   can't be used.
    public init(_ configuration: HandshakeConfiguration) throws(TestFailure) {
        try configuration.validate()
        recording = try Recording.open(configuration.recording, for: [configuration.parameters.transport])
        test = HandshakeTest(
            transport: try TransportFactory.make(configuration.connection, recording),
            endpoint: Endpoint(host: configuration.host, port: configuration.port),
            parameters: configuration.parameters, connectTimeout: configuration.connectTimeout,
            startedAt: Date().timeIntervalSince1970)
    }

    /// Runs the measurement, once.
    ///
    /// - Parameter observe: Called in order, before this returns.
    /// - Returns: Always a report. Its `failure` says why, when it didn't run to its planned end.
    public func run(_ observe: @escaping @Sendable (Event) -> Void = { _ in }) async -> HandshakeTestReport {
        var report = await test.run { event in
            switch event {
            case .started(let report): observe(.started(report))
            case .phaseBegan(let kind): observe(.phaseBegan(kind))
            case .phaseEnded(let phase): observe(.phaseEnded(phase))
            }
        }
        report.warnings += recording.keyLogWarnings
        return report
    }

    /// Ends the measurement early. Idempotent, from any thread.
    public func cancel() { test.cancel() }
}
