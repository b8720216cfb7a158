import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

@Suite("pause and resume", .timeLimit(.minutes(1))) struct PauseTests {
    @Test(
        "payload and time stand still at both ends, and the figures don't notice",
        arguments: [Direction.upload, .download])
    func pause(direction: Direction) async throws {
        try await withServer { served in
            let client = served.client(.seconds(2, direction))
            await served.clock.pass(.seconds(1))
            await client.row(endingAt: .seconds(1))
            try client.test.setPaused(true)
            try client.test.setPaused(true)
            await client.paused(true)
            await served.clock.sleeper(after: Tunables.longestPause, count: 2)  // both ends
            // Far beyond every limit of a running test. The flow has seen it all when it waits for its next second.
            served.clock.advance(by: .seconds(600))
            await served.clock.sleeper(after: .seconds(1))
            try client.test.setPaused(false)
            await client.paused(false)
            await served.clock.sleeper(after: Tunables.idle + .seconds(1), count: 2)  // both go on
            await served.clock.pass(.seconds(1))
            let report = await client.report
            #expect(report.failure == nil)
            #expect(report.summary(direction)?.bytesReceived == 2000)
            #expect(report.summary(direction)?.duration == .seconds(2))
            #expect(report.intervals.map(\.end) == [.seconds(1), .seconds(2)])
            #expect(client.pauses == [true, false])
        }
    }

    @Test("a test that isn't running, or whose server can't, is not paused and says so")
    func refusals() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.bytes(10, .upload), network)
        #expect(throws: TestFailure(.usage, "The test has not started: there is nothing to pause.")) {
            try client.test.setPaused(true)
        }
        var peer = try await ScriptedPeer.server(of: network)
        try await peer.say(.hello(Hello(server: "xfr/0.6.0", capabilities: ["quic", "byte_budget_v1"])))
        let start = try await peer.hear(\.asTestStart)
        try await peer.say(.testAck(TestAck(id: start.id, dataPorts: [])))
        await client.started()
        #expect(throws: TestFailure(.usage, "The server (xfr/0.6.0) cannot pause a test.")) {
            try client.test.setPaused(true)
        }
        await peer.session.close(.done)
        _ = await client.report
        #expect(throws: TestFailure(.usage, "The test is over: there is nothing to pause.")) {
            try client.test.setPaused(true)
        }
    }

    @Test("a paused client tells the server, which stops its plane and the timers of the course")
    func machines() {
        var client = MachineHarness(
            ClientMachine(id: "t", startedAt: 0, host: "h", parameters: .seconds(9, .bidirectional)))
        client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201")))
        client.feed(.received(.hello(.xfrServer)))
        client.feed(.received(.testAck(TestAck(id: "t", dataPorts: []))))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(
            client.feed(.pauseRequested(true)).map(\.summary) == ["send pause", "pause", "set longestPause", "emit"])
        #expect(client.feed(.pauseRequested(true)).isEmpty)
        #expect(
            client.feed(.pauseRequested(false)).map(\.summary)
                == ["send resume", "resume", "cancel longestPause", "emit"])

        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "a")))
        server.feed(.received(.hello(.qrateClient)))
        server.feed(.received(.testStart(TestStart(id: "t", .seconds(9, .download)))))
        server.feed(.admission(nil))
        server.feed(.planeReady(DataOffer(), PlaneSample()))
        let pause = SessionEvent.received(.pause(TestReference(id: "t")))
        #expect(server.feed(pause).map(\.summary) == ["pause", "set longestPause", "set idle"])
        #expect(server.feed(pause).map(\.summary) == ["set idle"])
        #expect(server.feed(.received(.pause(TestReference(id: "other")))).map(\.summary) == ["set idle"])
        // A pause has a limit of its own, because no other goes on.
        #expect(server.feed(.timer(.longestPause)).map(\.summary).contains("sample"))
    }

    @Test("xfr's clients are told of a pause's seconds too, whose elapsed time doesn't grow")
    func foreignPause() throws {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "a")))
        server.feed(.received(.hello(.xfrClient)))
        server.feed(
            .received(
                .testStart(
                    TestStart(id: "t", transport: .tcp, streams: 1, durationSeconds: 2, direction: .download))))
        server.feed(.admission(nil))
        server.feed(.planeReady(DataOffer(), PlaneSample(sent: [0])))
        server.deliver()
        for _ in 1...2 { _ = server.advance() }  // the tick, and its sample
        server.feed(.received(.pause(TestReference(id: "t"))))
        for _ in 1...6 { _ = server.advance() }
        let elapsed = server.sent.compactMap(\.asInterval).map(\.elapsedMilliseconds)
        #expect(elapsed == [0, 1000, 1000, 1000, 1000])
    }
}

@Suite("tests without an end", .timeLimit(.minutes(1))) struct EndlessTests {
    @Test(
        "the client's cancellation ends it, with everything that was counted", arguments: [Direction.upload, .download])
    func cancelled(direction: Direction) async throws {
        try await withServer { served in
            let client = served.client(TestParameters(direction: direction, limit: .endless))
            for second in 1...40 {
                await served.clock.pass(.seconds(1))
                await client.row(endingAt: .seconds(second))
            }
            client.test.cancel()
            let report = await client.report
            #expect(report.failure?.kind == .interrupted)
            #expect(report.failure?.kind.exitStatus == 130)
            #expect(report.summary(direction)?.bytesReceived == 40_000)
            #expect(report.intervals.count == 40)
        }
    }

    @Test("the server's longest test bounds it, and says so")
    func bounded() async throws {
        var limits = AdmissionControl.Limits()
        limits.duration = .seconds(3)
        try await withServer(limits: limits) { served in
            let client = served.client(TestParameters(direction: .download, limit: .endless))
            for second in 1...13 {
                await served.clock.pass(.seconds(1))
                if second < 13 { await client.row(endingAt: .seconds(second)) }
            }
            let report = await client.report
            #expect(
                report.failure
                    == TestFailure(.refused, "The test ran into this server's limit of 3 s (--max-duration)."))
            #expect(report.download?.bytesReceived.bytes ?? 0 >= 12_000)
        }
    }

    @Test("an xfr server is asked for no limit in its own field")
    func onTheWire() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(TestParameters(limit: .endless), network)
        var peer = try await ScriptedPeer.server(of: network)
        try await peer.say(.hello(.xfrServer))
        let start = try await peer.hear(\.asTestStart)
        #expect(start.durationSeconds == 0)
        #expect(start.byteBudget == nil)
        await peer.session.close(.done)
        _ = await client.report
    }
}
