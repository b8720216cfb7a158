import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// In each, `withServer` checks that the session has ended and its place is free, without any time having passed.
@Suite("a peer that vanishes", .timeLimit(.minutes(1))) struct VanishingTests {
    /// Neither end says more lines than that in these tests.
    static let lines = 1...4

    @Test(
        "the connection breaks after any line of either end", arguments: [Role.client, .server],
        Array(product(lines, [Direction.upload, .download])))
    func breaks(role: Role, moment: (lines: Int, direction: Direction)) async throws {
        var faults = InMemoryFaults()
        faults.breaksAfterLines = (by: role, count: moment.lines)
        try await survive(faults, role, moment.lines, moment.direction)
    }

    @Test(
        "either end leaves after any of its lines", arguments: [Role.client, .server],
        Array(product(lines, [Direction.upload, .download])))
    func leaves(role: Role, moment: (lines: Int, direction: Direction)) async throws {
        var faults = InMemoryFaults()
        faults.leavesAfterLines = (by: role, count: moment.lines)
        try await survive(faults, role, moment.lines, moment.direction)
    }

    private func survive(_ faults: InMemoryFaults, _ role: Role, _ lines: Int, _ direction: Direction) async throws {
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let report = await served.client(.bytes(10_000, direction)).report

            // Hello and test_start, or hello and test_ack: after them the payload may have arrived already.
            if lines <= 2 { #expect(report.failure != nil) }
            #expect(report.client.software == "qrate/0.1.0")
        }
    }

    @Test("rows that arrived before the break stay in the report", arguments: [Direction.upload, .download])
    func rowsStay(direction: Direction) async throws {
        var faults = InMemoryFaults()
        faults.breaksAfterLines = (by: .server, count: 4)  // hello, test_ack, two intervals
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let client = served.client(.seconds(10, direction))
            await served.clock.pass(.seconds(1))
            await client.row(endingAt: .seconds(1))
            await served.clock.pass(.seconds(1))
            let report = await client.report

            #expect(report.failure?.kind == .failed)
            #expect(report.failure?.message == "The connection was lost.")
            #expect(report.intervals.map(\.end) == [.seconds(1), .seconds(2)])
            #expect(report.summary(direction)?.bytesReceived == 2000)
            #expect(report.summary(direction)?.duration == .seconds(2))
        }
    }

    @Test("data streams fail while control lives: both say why, and keep their counts")
    func planesFail() async throws {
        var faults = InMemoryFaults()
        faults.planesFailAfterTicks = 2
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let client = served.client(.seconds(10, .upload))
            await served.clock.pass(.seconds(1))
            await client.row(endingAt: .seconds(1))
            await served.clock.pass(.seconds(1))
            let report = await client.report

            #expect(report.failure?.message == "The data streams were lost.")
            #expect(report.intervals.isEmpty == false)
            await served.log.wait { if case .finished = $0 { true } else { false } }
            #expect(served.served.first?.counts.upload?.bytesReceived == 2000)
            #expect(served.served.first?.counts.failure?.message == "The data streams were lost.")
        }
    }

    @Test("nobody listens: the report says unreachable, and names no server")
    func unreachable() async {
        var faults = InMemoryFaults()
        faults.unreachable = TransportError(.unreachable, "Connection refused.")
        let report = await RunningClient(.bytes(1, .upload), InMemoryNetwork(faults: faults)).report
        #expect(report.failure == TestFailure(.unreachable, "Connection refused."))
        #expect(report.server == nil)
        #expect(report.upload == nil)
    }

    @Test("a client that says hello to nobody: silence is waited for 30 seconds")
    func silentServer() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.bytes(1, .upload), network)
        await network.clock.pass(.seconds(30))
        let report = await client.report
        #expect(report.failure?.kind == .unreachable)
        #expect(network.closeReasons(by: .client) == [.timedOut])
    }

    @Test("a server that cannot carry the data says so")
    func refusedOffer() async throws {
        var faults = InMemoryFaults()
        faults.refusedOffer = TransportError(.failed, "No more than 100 streams fit.")
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let report = await served.client(.bytes(1, .download)).report
            #expect(report.failure == TestFailure(.failed, "No more than 100 streams fit."))
        }
    }

    @Test("a client that cannot open its streams leaves, and the server notices")
    func refusedOpening() async throws {
        var faults = InMemoryFaults()
        faults.refusedOpening = TransportError(.failed, "The server allows no streams.")
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let report = await served.client(.seconds(10, .download)).report
            #expect(report.failure == TestFailure(.failed, "The server allows no streams."))
            await served.log.wait { if case .finished = $0 { true } else { false } }
        }
    }
}

private func product<A, B>(_ left: some Sequence<A>, _ right: [B]) -> [(A, B)] {
    left.flatMap { a in right.map { b in (a, b) } }
}
