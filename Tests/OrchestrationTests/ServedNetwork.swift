import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// A server over a network in memory.
struct ServedNetwork {
    let network: InMemoryNetwork
    let server: SessionServer
    let log: EventLog<ServerEvent>

    var clock: ManualClock { network.clock }

    func client(_ parameters: TestParameters) -> RunningClient { RunningClient(parameters, network) }

    /// The tests that have ended, as the server counted them.
    var served: [(test: ServedTest, counts: ServedCounts)] {
        log.all.compactMap { if case .finished(let test, let counts) = $0 { (test, counts) } else { nil } }
    }

    var refusals: [TestFailure] {
        log.all.compactMap { if case .refused(_, let failure) = $0 { failure } else { nil } }
    }
}

/// Runs a server beside `body`, then stops it.
///
/// Stopping needs no time on the manual clock when every session has ended by itself. So a session that was left
/// behind keeps this from returning, and the test's time limit tells.
func withServer<Value>(
    _ network: InMemoryNetwork = InMemoryNetwork(), limits: AdmissionControl.Limits = AdmissionControl.Limits(),
    _ body: (ServedNetwork) async throws -> Value
) async throws -> Value {
    let log = EventLog<ServerEvent>()
    let server = SessionServer(listener: network.listener, limits: limits, clock: network.clock) { log.add($0) }
    let running = Task { await server.run() }
    do {
        let value = try await body(ServedNetwork(network: network, server: server, log: log))
        server.stop()
        await running.value
        #expect(server.runningTests == 0)
        #expect(server.openSessions == 0)
        return value
    } catch {
        running.cancel()
        throw error
    }
}

/// A client's test that has been started.
struct RunningClient {
    let test: ClientTest
    let events = EventLog<TestEvent>()
    private let running: Task<TestReport, Never>

    init(_ parameters: TestParameters, _ network: InMemoryNetwork) {
        let test = ClientTest(
            transport: network.transport, endpoint: network.endpoint, parameters: parameters,
            connectTimeout: .seconds(10), startedAt: 1_800_000_000, clock: network.clock)
        self.test = test
        running = Task { [events] in await test.run { events.add($0) } }
    }

    var report: TestReport { get async { await running.value } }

    func cancelTask() { running.cancel() }

    func started() async {
        await events.wait { if case .started = $0 { true } else { false } }
    }

    /// Returns when so many rows that end at `end` were shown: one of each direction.
    func rows(endingAt end: Duration, count: Int) async {
        await events.wait(count) { if case .interval(let row) = $0 { row.end == end } else { false } }
    }

    /// Returns when the test has been paused, or resumed.
    func paused(_ isPaused: Bool) async {
        await events.wait { if case .paused(isPaused) = $0 { true } else { false } }
    }

    var pauses: [Bool] { events.all.compactMap { if case .paused(let isPaused) = $0 { isPaused } else { nil } } }

    /// Returns when the row that ends at `end` was shown.
    func row(endingAt end: Duration) async {
        await events.wait { if case .interval(let row) = $0 { row.end == end } else { false } }
    }
}

extension TestParameters {
    static func bytes(_ budget: ByteCount, _ direction: Direction, streams: Int = 1) -> TestParameters {
        TestParameters(direction: direction, streams: streams, limit: .bytes(budget))
    }

    static func seconds(
        _ seconds: Int, _ direction: Direction, streams: Int = 1, warmUp: Duration = .zero
    ) -> TestParameters {
        TestParameters(direction: direction, streams: streams, limit: .duration(.seconds(seconds)), warmUp: warmUp)
    }
}
