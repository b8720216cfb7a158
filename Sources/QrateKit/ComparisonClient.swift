import FoundationEssentials
import QrateMeasurement
import QrateOrchestration
import Synchronization

/// Compares transports on one path: the same test over each of them, round by round, until the ratios are known well enough.
///
///     let client = try ComparisonClient(ComparisonConfiguration(TestConfiguration(host: "paris.example.net")))
///     let report = await client.run { event in ... }
///     for pair in report.pairs { print(pair.transport, pair.other, pair.ratio as Any, pair.interval as Any) }
public final class ComparisonClient: Sendable {
    private let configuration: ComparisonConfiguration
    private let state = Mutex(State())

    private struct State {
        /// What ends those that are running.
        var cancels: [Int: @Sendable () -> Void] = [:]
        var begun = 0
        var isCancelled = false
    }

    /// What a comparison tells while it runs.
    public enum Event: Sendable {
        /// - Parameter planned: How many rounds there will be; nil until the first ones have told.
        case testBegan(TransportKind, round: Int, planned: Int?)
        /// Handshakes alone, for some seconds at most.
        case handshakesBegan(TransportKind)
        /// All of them at the same time.
        case togetherBegan(round: Int, planned: Int?)
        /// A row of the test that is running.
        case interval(TransportKind, IntervalReport)
        /// Everything up to the test that ended just now.
        case testEnded(ComparisonReport)
    }

    /// - Throws: `usage` when the configuration can't be run, `badInput` or `permission` when a file that it names
    ///   can't be used.
    public init(_ configuration: ComparisonConfiguration) throws(TestFailure) {
        try configuration.validate()
        for transport in configuration.parameters.transports {
            _ = try TestClient(configuration.configuration(for: transport))
        }
        self.configuration = configuration
    }

    /// Runs the comparison, once.
    ///
    /// - Parameter observe: Called in order, before this returns.
    /// - Returns: Always a report. Its `failure` says why, when it didn't come to its planned end; the rounds until then are
    ///   in it.
    public func run(_ observe: @escaping @Sendable (Event) -> Void = { _ in }) async -> ComparisonReport {
        let clock = ContinuousClock(), begin = clock.now
        var tally = ComparisonTally(
            ComparisonReport(
                id: TestID.random(), startedAt: Date().timeIntervalSince1970, parameters: configuration.parameters))
        while true {
            switch tally.next(elapsed: clock.now - begin) {
            case .end(let end):
                tally.finish(end)
                return tally.report
            case .test(let transport, let round):
                observe(.testBegan(transport, round: round, planned: tally.plannedRounds))
                do throws(TestFailure) {
                    guard let test = try await run(transport, observe) else {
                        tally.interrupt()
                        return tally.report
                    }
                    tally.add(test, round: round)
                } catch {
                    tally.fail(error)
                    return tally.report
                }
                observe(.testEnded(tally.report))
                if tally.report.failure != nil {
                    tally.finish(.failed)
                    return tally.report
                }
            case .handshakes(let transport):
                observe(.handshakesBegan(transport))
                guard let handshakes = await runHandshakes(transport) else {
                    tally.interrupt()
                    return tally.report
                }
                tally.add(handshakes)
            case .together(let transports, let round):
                observe(.togetherBegan(round: round, planned: tally.plannedRounds))
                guard let tests = await runTogether(transports, observe) else {
                    tally.interrupt()
                    return tally.report
                }
                tally.add(together: tests, round: round)
                observe(.testEnded(tally.report))
            }
        }
    }

    /// - Returns: nil when the comparison was cancelled: a test that was cut short compares with nothing.
    private func run(
        _ transport: TransportKind, _ observe: @escaping @Sendable (Event) -> Void
    ) async throws(TestFailure) -> TestReport? {
        let client = try TestClient(configuration.configuration(for: transport))
        guard let number = begin({ client.cancel() }) else { return nil }
        let report = await client.run { event in
            if case .interval(let row) = event { observe(.interval(transport, row)) }
        }
        end(number)
        return report.failure?.kind == .interrupted ? nil : report
    }

    /// - Returns: In the order of the transports; nil when the comparison was cancelled.
    private func runTogether(
        _ transports: [TransportKind], _ observe: @escaping @Sendable (Event) -> Void
    ) async -> [TestReport]? {
        await withTaskGroup(of: (Int, TestReport?).self) { tasks in
            for (place, transport) in transports.enumerated() {
                tasks.addTask { (place, try? await self.run(transport, observe)) }
            }
            let reports = await tasks.reduce(into: [TestReport?](repeating: nil, count: transports.count)) {
                $0[$1.0] = $1.1
            }
            return reports.contains { $0 == nil } ? nil : reports.compactMap(\.self)
        }
    }

    /// - Returns: nil when the comparison was cancelled.
    private func runHandshakes(_ transport: TransportKind) async -> HandshakeTestReport? {
        let configuration = configuration.handshakes(of: transport)
        guard let client = try? HandshakeClient(configuration) else {
            return HandshakeTestReport(
                startedAt: Date().timeIntervalSince1970, parameters: configuration.parameters,
                client: EndReport(software: ""))
        }
        guard let number = begin({ client.cancel() }) else { return nil }
        let report = await client.run()
        end(number)
        return report.failure?.kind == .interrupted ? nil : report
    }

    /// - Parameter cancel: Ends what is about to run.
    /// - Returns: A number for ``end(_:)``; nil when the comparison was cancelled, and nothing may run.
    private func begin(_ cancel: @escaping @Sendable () -> Void) -> Int? {
        guard !Task.isCancelled else { return nil }
        return state.withLock { state in
            guard !state.isCancelled else { return nil }
            state.begun += 1
            state.cancels[state.begun] = cancel
            return state.begun
        }
    }

    private func end(_ number: Int) { state.withLock { $0.cancels[number] = nil } }

    /// Ends the comparison early; the rounds that are complete still count. Idempotent, from any thread.
    public func cancel() {
        let cancels = state.withLock { state in
            state.isCancelled = true
            return Array(state.cancels.values)
        }
        for cancel in cancels { cancel() }
    }
}
