import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

@Suite("cancelling a test", .timeLimit(.minutes(1))) struct CancellationTests {
    /// What a scripted server does before the client is cancelled.
    enum Moment: CaseIterable { case beforeHello, afterHello }

    @Test("before the test runs, there is a report that says interrupted")
    func beforeRunning() async {
        let network = InMemoryNetwork()
        let test = ClientTest(
            transport: network.transport, endpoint: network.endpoint, parameters: .bytes(1, .upload),
            connectTimeout: .seconds(10), startedAt: 0, clock: network.clock)
        test.cancel()
        test.cancel()
        let report = await test.run { _ in }
        #expect(report.failure?.kind == .interrupted)
    }

    @Test("while connecting, it ends at once")
    func whileConnecting() async {
        var faults = InMemoryFaults()
        faults.neverConnects = true
        let network = InMemoryNetwork(faults: faults)
        let client = RunningClient(.bytes(1, .upload), network)
        await network.clock.sleeper(after: .seconds(1_000_000))
        client.test.cancel()
        let report = await client.report
        #expect(report.failure?.kind == .interrupted)
        #expect(report.server == nil)
    }

    @Test("while the server owes an answer, it ends at once", arguments: Moment.allCases)
    func inHandshake(moment: Moment) async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.bytes(1, .upload), network)
        var server = try await ScriptedPeer.server(of: network)
        _ = try await server.hear(\.asHello)
        if moment == .afterHello {
            try await server.say(.hello(.qrateServer))
            _ = try await server.hear(\.asTestStart)
        }
        client.test.cancel()
        #expect(await client.report.failure?.kind == .interrupted)
        #expect(network.closeReasons(by: .client) == [.cancelled])
    }

    @Test("while payload moves, both ends keep what they counted", arguments: [Direction.upload, .download])
    func whileMoving(direction: Direction) async throws {
        try await withServer { served in
            let client = served.client(.seconds(10, direction))
            for second in 1...2 {
                await served.clock.pass(.seconds(1))
                await client.row(endingAt: .seconds(second))
            }
            client.test.cancel()
            client.test.cancel()
            let report = await client.report

            #expect(report.failure?.kind == .interrupted)
            #expect(report.summary(direction)?.bytesReceived == 2000)
            #expect(report.summary(direction)?.duration == .seconds(2))
            #expect(report.summary(direction)?.bytesSent == 2000)
            #expect(report.summary(direction)?.isComplete == false)
            #expect(report.intervals.count == 2)
            #expect(report.warnings == [])
            #expect(served.network.closeReasons(by: .client) == [.cancelled])
            await served.log.wait { if case .finished = $0 { true } else { false } }
            #expect(served.served.first?.counts.failure?.kind == .interrupted)
        }
    }

    @Test("cancelling the task that runs the test does the same")
    func structuredCancellation() async throws {
        try await withServer { served in
            let client = served.client(.seconds(10, .upload))
            await served.clock.pass(.seconds(1))
            await client.row(endingAt: .seconds(1))
            client.cancelTask()
            let report = await client.report

            #expect(report.failure?.kind == .interrupted)
            #expect(report.upload?.bytesReceived == 1000)
            #expect(report.upload?.isComplete == false)
        }
    }

    @Test("while the result is awaited, the server still gives its counts")
    func whileWaitingForResult() async throws {
        var faults = InMemoryFaults()
        faults.losesTheEnd = true
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let client = served.client(.bytes(4000, .upload))
            await served.clock.sleeper(after: .seconds(10))  // the server drains
            client.test.cancel()
            let report = await client.report

            #expect(report.failure?.kind == .interrupted)
            #expect(report.upload?.bytesReceived == 4000)
        }
    }

    @Test("a server that says nothing more is waited for 3 seconds", arguments: [Direction.upload, .download])
    func silentServer(direction: Direction) async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.seconds(10, direction), network)
        var server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(.qrateServer))
        let start = try await server.hear(\.asTestStart)
        try await server.say(.testAck(TestAck(id: start.id, dataPorts: [])))
        await client.started()
        client.test.cancel()
        let cancel = try await server.hear(\.asCancel)
        #expect(cancel.id == start.id)
        await network.clock.pass(.seconds(3))
        let report = await client.report
        #expect(report.failure?.kind == .interrupted)
        #expect(network.closeReasons(by: .client) == [.cancelled])
    }
}
