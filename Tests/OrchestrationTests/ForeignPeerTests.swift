import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// Peers that speak xfr's protocol and none of what qrate adds.
@Suite("xfr as the peer", .timeLimit(.minutes(1))) struct ForeignPeerTests {
    // MARK: - As the client

    @Test("an xfr client's upload: xfr's fields only, ended by its streams, no finish needed")
    func uploadFromXfr() async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(.hello(.xfrClient))
            #expect(try await peer.hear(\.asHello).server == "qrate/0.1.0")
            try await peer.say(.testStart(xfrStart(.upload, seconds: 2)))
            let ack = try await peer.hear(\.asTestAck)
            #expect(ack.dataPorts == [])
            #expect(ack.qrate == nil)

            let plane = try await peer.session.open(
                .init(role: .client, parameters: .seconds(2, .upload)), .init())
            plane.start(.init(plan: .init(role: .client, parameters: .seconds(2, .upload))))
            let first = try await peer.hear(\.asInterval)
            #expect(first.elapsedMilliseconds == 0)
            #expect(first.aggregate.bytes == 0)
            for _ in 1...10 { await served.clock.pass(.milliseconds(100)) }
            let interval = try await peer.hear(\.asInterval)
            #expect(interval.elapsedMilliseconds == 1000)
            // The tenth row and the second's end come at once, in any order.
            #expect([9000, 10_000].contains(interval.aggregate.bytes))
            #expect(interval.streams.map(\.bytes) == [interval.aggregate.bytes])
            #expect(interval.streams.map(\.retransmits) == [0])
            #expect(interval.qrate == nil)
            for _ in 1...10 { await served.clock.pass(.milliseconds(100)) }
            guard case .result(let result)? = try await peer.hear() else {
                Issue.record("an interval at the end, which xfr's servers don't send")
                return
            }
            #expect(result.bytesTotal == 20_000)
            #expect(result.durationMilliseconds == 2000)
            #expect(result.throughputMbps == 0.08)
            #expect(result.qrate == nil)
            await peer.session.close(.done)
        }
    }

    @Test("an xfr client's download: intervals once a second, the result without its reports")
    func downloadToXfr() async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(.hello(.xfrClient))
            try await peer.say(.testStart(xfrStart(.download, seconds: 2)))
            _ = try await peer.hear(\.asTestAck)
            #expect(try await peer.hear(\.asInterval).elapsedMilliseconds == 0)
            for _ in 1...10 { await served.clock.pass(.milliseconds(100)) }
            let interval = try await peer.hear(\.asInterval)
            #expect(interval.elapsedMilliseconds == 1000)
            #expect(interval.qrate == nil)
            for _ in 1...10 { await served.clock.pass(.milliseconds(100)) }
            let result = try await peer.hear(\.asResult)
            #expect(result.bytesTotal == 20_000)
            await peer.session.close(.done)
        }
    }

    @Test("an xfr client hears no error when the server stops: it would not look at the result then")
    func stopWithXfr() async throws {
        let network = InMemoryNetwork()
        let server = SessionServer(listener: network.listener, clock: network.clock) { _ in }
        let running = Task { await server.run() }
        var peer = try await ScriptedPeer.client(of: network)
        try await peer.say(.hello(.xfrClient))
        try await peer.say(.testStart(xfrStart(.download, seconds: 9)))
        _ = try await peer.hear(\.asTestAck)
        server.stop()
        let last = try await peer.hear { $0.asInterval == nil ? $0 : nil }
        #expect(last.asResult != nil)
        await peer.session.close(.done)
        await running.value
    }

    private func xfrStart(_ direction: Direction, seconds: UInt32) -> TestStart {
        TestStart(
            id: "x", transport: .quic, streams: 1, durationSeconds: seconds,
            direction: direction == .upload ? .upload : .download)
    }

    // MARK: - As the server

    @Test("an upload to an xfr server: its figure, and a warning that its window is its own")
    func uploadToXfr() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.seconds(2, .upload), network)
        var server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(.xfrServer))
        let start = try await server.hear(\.asTestStart)
        #expect(start.durationSeconds == 2)
        try await server.say(.testAck(TestAck(id: start.id, dataPorts: [])))
        await client.started()
        try await server.say(interval(start.id, elapsed: 0, bytes: 0))
        try await server.say(interval(start.id, elapsed: 1001, bytes: 990))
        await client.row(endingAt: .milliseconds(1001))
        try await server.say(result(start.id, bytes: 1990, milliseconds: 2050))
        let report = await client.report

        #expect(report.failure == nil)
        #expect(report.warnings == [.foreignWindow])
        #expect(report.intervals.map { $0.received(.upload) } == [990])
        #expect(report.upload?.bytesReceived == 1990)
        #expect(report.upload?.duration == .milliseconds(2050))
        #expect(report.upload?.isComplete == nil)
        #expect(report.server?.software == "xfr/0.9.25")
    }

    @Test("a download from an xfr server: counted here; what arrives after its result still counts")
    func downloadFromXfr() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.seconds(2, .download), network)
        var server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(.xfrServer))
        let start = try await server.hear(\.asTestStart)
        let plan = TestParameters.seconds(2, .download)
        let (plane, _) = try await server.session.offer(.init(role: .server, parameters: plan))
        try await server.say(.testAck(TestAck(id: start.id, dataPorts: [])))
        plane.start(.init(plan: .init(role: .server, parameters: plan)))
        await network.clock.pass(.seconds(1))
        await client.row(endingAt: .seconds(1))
        try await server.say(result(start.id, bytes: 2500, milliseconds: 2000))
        await network.clock.sleeper(after: .seconds(10))  // the client took the result and waits for the streams
        await network.clock.pass(.seconds(1))
        let report = await client.report

        #expect(report.failure == nil)
        #expect(report.download?.bytesReceived == 2000)
        #expect(report.download?.bytesSent == 2500)
        #expect(report.intervals.count == 2)
        #expect(report.intervals.allSatisfy { $0.path == nil })
        // Nothing but the hello and the start was said: a plain server fails on a message it doesn't know.
        #expect(try await server.hear() == nil)
    }

    @Test("a fraction of a second is rounded up for an xfr server, and said so")
    func roundedDuration() async throws {
        let network = InMemoryNetwork()
        var parameters = TestParameters.seconds(1, .download, warmUp: .milliseconds(200))
        parameters.interval = .milliseconds(500)
        let client = RunningClient(parameters, network)
        var server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(.xfrServer))
        #expect(try await server.hear(\.asTestStart).durationSeconds == 2)
        await server.session.close(.done)
        let report = await client.report
        #expect(report.parameters.limit == .duration(.milliseconds(1800)))
        #expect(report.warnings == [.durationRounded(to: .milliseconds(1800))])
    }

    static let unaskable: [TestParameters] = {
        var rows = TestParameters.seconds(2, .upload)
        rows.interval = .milliseconds(500)
        return [
            .seconds(2, .upload, warmUp: .seconds(1)), rows, .seconds(2, .upload, streams: 101),
            .seconds(2, .download, streams: 101),
        ]
    }()

    @Test("what an xfr server can't be asked for is refused here, with the option's name", arguments: unaskable)
    func impossible(parameters: TestParameters) async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(parameters, network)
        let server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(.xfrServer))
        let report = await client.report
        #expect(report.failure?.kind == .usage)
        #expect(["--omit", "-i", "-P"].contains { report.failure?.message.contains($0) == true })
    }

    @Test("a byte budget is not risked with a server that ignores it")
    func noByteBudget() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.bytes(1000, .download), network)
        let server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(Hello(server: "xfr/0.9.9", capabilities: ["quic"])))
        #expect(
            await client.report.failure?.message == "The server (xfr/0.9.9) ends no test after a number of bytes (-n).")
    }

    private func interval(_ id: String, elapsed: UInt64, bytes: UInt64) -> ControlMessage {
        .interval(
            IntervalMessage(
                id: id, elapsedMilliseconds: elapsed, streams: [.init(id: 0, bytes: bytes)],
                aggregate: .init(bytes: bytes, throughputMbps: 0)))
    }

    private func result(_ id: String, bytes: UInt64, milliseconds: UInt64) -> ControlMessage {
        .result(
            ResultMessage(
                id: id, bytesTotal: bytes, durationMilliseconds: milliseconds, throughputMbps: 0,
                streams: [.init(id: 0, bytes: bytes, throughputMbps: 0)]))
    }
}
