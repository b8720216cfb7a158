import FoundationEssentials
import QrateMeasurement
import QrateSockets
import Synchronization

/// Finds out what this host can do by itself: an upload over every transport to a server in this process, and what the
/// system says and grants.
///
///     let report = await SelfTest().run { event in ... }
///     print(report.loopback.first?.throughput as Any, report.findings.map(\.message))
public final class SelfTest: Sendable {
    private let duration: Duration
    private let transports: [TransportKind]
    private let state = Mutex(State())

    private struct State {
        var running: TestClient?
        var isCancelled = false
    }

    /// What a self-test tells while it runs.
    public enum Event: Sendable {
        /// What the system says and grants.
        case inspected(SelfTestReport)
        case testBegan(TransportKind)
        case testEnded(LoopbackFigure)
    }

    /// - Parameter duration: Of each transport's test; a warm-up of ``SelfTestReport/warmUp`` comes in addition.
    /// - Throws: `usage`, with the value and the limit that it breaks.
    public init(
        duration: Duration = SelfTestReport.defaultDuration, transports: [TransportKind] = TransportKind.allCases
    ) throws(TestFailure) {
        guard SelfTestReport.durationLimits.contains(duration) else {
            let limits = SelfTestReport.durationLimits
            throw TestFailure(
                .usage,
                "\(fixedPoint(duration.seconds, decimals: 3)) s for each test are out of range: "
                    + "\(limits.lowerBound.secondsWithoutZeros) to \(limits.upperBound.secondsWithoutZeros)")
        }
        self.duration = duration
        self.transports = transports
    }

    /// Runs it, once.
    ///
    /// - Parameter observe: Called in order, before this returns.
    /// - Returns: Always a report. Its `failure` says why, when it didn't come to its end.
    public func run(_ observe: @escaping @Sendable (Event) -> Void = { _ in }) async -> SelfTestReport {
        var report = SelfTestReport(
            startedAt: Date().timeIntervalSince1970, software: QrateVersion.software, duration: duration)
        report.host = await SelfTestHost.inspected()
        observe(.inspected(report))
        do throws(TestFailure) {
            try await measure(&report, observe)
        } catch {
            report.failure = error
        }
        report.findings = SelfTestFinding.all(in: report)
        return report
    }

    private func measure(
        _ report: inout SelfTestReport, _ observe: @escaping @Sendable (Event) -> Void
    ) async throws(TestFailure) {
        var configuration = ServerConfiguration(port: 0)
        configuration.isLocal = true
        configuration.keepsCertificate = false
        let server = try await TestServer.start(configuration)
        let serving = Task { await server.run() }
        var failure: TestFailure?
        for transport in transports {
            observe(.testBegan(transport))
            do throws(TestFailure) {
                let test = try await run(transport, server)
                let figure = LoopbackFigure(test)
                report.loopback.append(figure)
                observe(.testEnded(figure))
            } catch {
                failure = error
                break
            }
        }
        server.stop()
        await serving.value
        if let failure { throw failure }
    }

    /// - Throws: `interrupted` when the self-test was cancelled, `usage` for a test that can't be run.
    private func run(_ transport: TransportKind, _ server: TestServer) async throws(TestFailure) -> TestReport {
        var configuration = TestConfiguration(host: "127.0.0.1", port: server.port)
        configuration.parameters = TestParameters(
            transport: transport, limit: .duration(duration), warmUp: SelfTestReport.warmUp,
            // UDP has a default rate, and it isn't that which is to be found out.
            targetBitrate: transport == .udp ? Bitrate(bitsPerSecond: 0) : nil)
        if transport == .quic || transport == .tls { configuration.trust = .pinned(server.fingerprint) }
        let client = try TestClient(configuration)
        let isCancelled = state.withLock { state in
            state.running = client
            return state.isCancelled
        }
        guard !isCancelled, !Task.isCancelled else { throw Self.interruption }
        let report = await client.run()
        state.withLock { $0.running = nil }
        if report.failure?.kind == .interrupted { throw Self.interruption }
        return report
    }

    private static let interruption = TestFailure(.interrupted, "The self-test was interrupted.")

    /// Ends it early; what was found until then still counts. Idempotent, from any thread.
    public func cancel() {
        let running = state.withLock { state in
            state.isCancelled = true
            return state.running
        }
        running?.cancel()
    }
}

extension LoopbackFigure {
    /// Of an upload.
    init(_ test: TestReport) {
        self.init(test.parameters.transport)
        failure = test.failure
        congestionController = test.client.settings.congestionController
        cipher = test.security?.cipher
        aead = test.client.settings.aead
        if test.failure == nil { throughput = test.upload?.throughput }
        lossRatio = test.upload?.datagrams?.lossRatio
    }
}
