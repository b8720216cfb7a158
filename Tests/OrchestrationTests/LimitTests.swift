import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

@Suite("a server's limits", .timeLimit(.minutes(1))) struct LimitTests {
    @Test("a full server refuses the next test by name and number, and takes one when a place is free")
    func busy() async throws {
        var limits = AdmissionControl.Limits()
        limits.tests = 1
        try await withServer(limits: limits) { served in
            let first = served.client(.seconds(1, .upload))
            await first.started()

            let second = await served.client(.bytes(1000, .upload)).report
            #expect(second.failure?.kind == .refused)
            let text = "This server is busy: its limit of tests at once (--max-tests) is 1, and 1 run."
            #expect(second.failure?.message == text)
            #expect(second.failure?.kind.exitStatus == 75)
            #expect(served.refusals.map(\.kind) == [.refused])

            await served.clock.pass(.seconds(1))
            #expect(await first.report.failure == nil)
            #expect(await served.client(.bytes(1000, .upload)).report.failure == nil)
        }
    }

    @Test("a client that the transport turned away is told of like the others")
    func refusedByTransport() async throws {
        try await withServer { served in
            let failure = TestFailure(.permission, "the client presents no certificate")
            served.network.refuse(RefusedClient(address: "192.0.2.1:40000", failure: failure))
            await served.log.wait { event in
                if case .refused("192.0.2.1:40000", failure) = event { true } else { false }
            }
            #expect(await served.client(.bytes(1000, .upload)).report.failure == nil)
        }
    }

    @Test("too many streams, and too long a test, are refused with the limit's value")
    func streamsAndDuration() async throws {
        var limits = AdmissionControl.Limits()
        limits.streams = 4
        limits.duration = .seconds(60)
        try await withServer(limits: limits) { served in
            let streams = await served.client(.bytes(1000, .upload, streams: 5)).report
            #expect(streams.failure == TestFailure(.refused, "5 streams are more than this server's limit of 4."))

            let duration = await served.client(.seconds(60, .upload, warmUp: .seconds(1))).report
            #expect(duration.failure?.kind == .refused)
            #expect(duration.failure?.message.contains("61.000 s") == true)
            #expect(duration.failure?.message.contains("(--max-duration) of 60.000 s") == true)
        }
    }

    @Test("a budget that takes longer than a test may last is ended with its counts")
    func budgetTakesTooLong() async throws {
        var limits = AdmissionControl.Limits()
        limits.duration = .seconds(2)
        var settings = InMemoryNetwork.Settings()
        settings.bytesPerTick = 10
        try await withServer(InMemoryNetwork(settings), limits: limits) { served in
            let client = served.client(.bytes(1_000_000, .download))
            for second in 1...12 {  // the limit, and the drain that a test at the limit may need
                await served.clock.pass(.seconds(1))
                if second < 12 { await client.row(endingAt: .seconds(second)) }
            }
            let report = await client.report
            #expect(
                report.failure
                    == TestFailure(.refused, "The test ran into this server's limit of 2 s (--max-duration)."))
            #expect((110...120).contains(report.download?.bytesReceived.bytes ?? 0))
        }
    }

    @Test("a one-off server serves one test, and ends")
    func oneOff() async throws {
        let network = InMemoryNetwork()
        var limits = AdmissionControl.Limits()
        limits.isOneOff = true
        let server = SessionServer(listener: network.listener, limits: limits, clock: network.clock) { _ in }
        let running = Task { await server.run() }

        let first = RunningClient(.seconds(1, .upload), network)
        await first.started()
        let second = await RunningClient(.bytes(1000, .upload), network).report
        #expect(second.failure?.message == "This server takes one test only (--one-off), and has taken it.")

        await network.clock.pass(.seconds(1))
        #expect(await first.report.failure == nil)
        await running.value
        #expect(server.openSessions == 0)
        let third = await RunningClient(.bytes(1000, .upload), network).report
        #expect(third.failure?.kind == .unreachable)
    }

    @Test("a server that is stopped gives its clients what it counted", arguments: [Direction.upload, .download])
    func stopped(direction: Direction) async throws {
        let network = InMemoryNetwork()
        let server = SessionServer(listener: network.listener, clock: network.clock) { _ in }
        let running = Task { await server.run() }
        let client = RunningClient(.seconds(10, direction), network)
        await network.clock.pass(.seconds(1))
        await client.row(endingAt: .seconds(1))

        server.stop()
        server.stop()
        let report = await client.report
        await running.value

        #expect(report.failure == TestFailure(.failed, "The server is shutting down."))
        #expect(report.summary(direction)?.bytesReceived == 1000)
        #expect(network.closeReasons(by: .server) == [.shuttingDown])
    }

    @Test("a session that doesn't leave a stopped server is closed at the deadline")
    func stubbornSession() async throws {
        let network = InMemoryNetwork()
        let server = SessionServer(listener: network.listener, clock: network.clock) { _ in }
        let running = Task { await server.run() }
        var peer = try await ScriptedPeer.client(of: network)
        try await peer.say(.hello(.qrateClient))
        _ = try await peer.hear(\.asHello)

        server.stop()
        let error = try await peer.hear(\.asError)
        #expect(error.message == "The server is shutting down.")
        await network.clock.sleeper(after: Tunables.linger)
        await network.clock.pass(Tunables.shutdown)
        await running.value
        #expect(server.openSessions == 0)
    }
}
