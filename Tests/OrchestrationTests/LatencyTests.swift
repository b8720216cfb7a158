import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

@Suite("tests that measure latency", .timeLimit(.minutes(1))) struct LatencyTests {
    private static let token = String(repeating: "0f", count: 16)

    private func measuring(_ parameters: TestParameters) -> TestParameters {
        var parameters = parameters
        parameters.measuresLatency = true
        return parameters
    }

    private var acknowledgement: TestAck {
        TestAck(id: "t", dataPorts: [], qrate: .init(settings: nil, probeToken: Self.token))
    }

    /// A client that was told how the server takes probes.
    private func acknowledged(
        _ parameters: TestParameters, _ ack: TestAck? = nil
    ) -> (client: MachineHarness<ClientMachine>, course: [String]) {
        var client = MachineHarness(
            ClientMachine(id: "t", startedAt: 0, host: "h", parameters: measuring(parameters)))
        client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201")))
        client.feed(.received(.hello(.qrateServer)))
        let course = client.feed(.received(.testAck(ack ?? acknowledgement))).map(\.summary)
        return (client, course)
    }

    @Test("it is measured idle before there is a plane, so that neither end has payload to send")
    func idleFirst() {
        var (client, course) = acknowledged(.seconds(3, .download))
        #expect(client.sent.compactMap(\.asTestStart).first?.qrate?.measuresLatency == true)
        #expect(course == ["measure idle", "set reply"])
        #expect(client.plans.isEmpty)
        #expect(client.feed(.idleMeasured).map(\.summary) == ["open", "set reply"])
    }

    @Test("in an upload it is measured under load from the first payload on, for as long as the window")
    func upload() {
        var (client, _) = acknowledged(.seconds(3, .upload, warmUp: .seconds(1)))
        client.feed(.idleMeasured)
        let actions = client.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(
            actions.map(\.summary)
                == ["cancel reply", "set idle", "emit", "start", "set sendingEnd", "measure loaded"])
        for case .measureLoaded(let delay, let duration) in actions {
            #expect(delay == .seconds(1) && duration == .seconds(3))
        }
        #expect(client.feed(.plane(.sendersDone)).map(\.summary).contains("finish latency"))
    }

    @Test("in a download it is from the first byte that comes, until the window is closed")
    func download() {
        var (client, _) = acknowledged(.seconds(3, .download))
        client.feed(.idleMeasured)
        #expect(!client.feed(.planeReady(DataOffer(), PlaneSample())).map(\.summary).contains("measure loaded"))
        #expect(client.feed(.plane(.receiving)).map(\.summary).contains("measure loaded"))
        let totals = ReceivedTotals(measured: [1000], warmUp: 0, drained: 0, duration: .seconds(3), isComplete: true)
        #expect(client.feed(.plane(.receiversDone(totals))).map(\.summary).contains("finish latency"))
        #expect(!client.feed(.windowClosed(totals)).map(\.summary).contains("finish latency"))
    }

    @Test("where payload moves in both directions, it ends with the first of them")
    func bothDirections() {
        var (client, _) = acknowledged(.seconds(3, .bidirectional))
        client.feed(.idleMeasured)
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(!client.feed(.plane(.receiving)).map(\.summary).contains("measure loaded"), "it is already")
        let totals = ReceivedTotals(measured: [1000], warmUp: 0, drained: 0, duration: .seconds(3), isComplete: true)
        #expect(client.feed(.plane(.receiversDone(totals))).map(\.summary).contains("finish latency"))
        #expect(!client.feed(.plane(.sendersDone)).map(\.summary).contains("finish latency"))
    }

    @Test(
        "the report waits for the last answers, and has them", arguments: [Direction.upload, .download, .bidirectional])
    func report(direction: Direction) async throws {
        try await withServer { served in
            let report = await served.client(measuring(.bytes(10, direction))).report
            #expect(report.failure == nil)
            #expect(report.latency?.beside?.idle.sent == 1)
            #expect(report.latency?.beside?.loaded.sent == 1)
            #expect(
                served.network.probes.map(\.calls) == [[.idle, .loaded(after: .zero, lasting: nil), .finished]])
        }
    }

    @Test("nothing is measured that wasn't asked for")
    func notAsked() async throws {
        try await withServer { served in
            let report = await served.client(.bytes(10, .bidirectional)).report
            #expect(report.failure == nil && report.latency == nil)
            #expect(served.network.probes.map(\.calls) == [[]])
        }
    }

    @Test("a pause is no load")
    func pause() async throws {
        try await withServer { served in
            let client = served.client(measuring(.seconds(2, .upload)))
            await client.started()
            await served.clock.pass(.seconds(1))
            await client.row(endingAt: .seconds(1))
            try client.test.setPaused(true)
            await client.paused(true)
            try client.test.setPaused(false)
            await client.paused(false)
            client.test.cancel()
            let report = await client.report
            #expect(report.latency?.beside?.loaded.sent == 1)
            #expect(
                served.network.probes.map(\.calls) == [
                    [.idle, .loaded(after: .zero, lasting: .seconds(2)), .paused(true), .paused(false), .finished]
                ])
        }
    }

    @Test("a server that answers no probes is not asked to", arguments: [true, false])
    func foreignServer(isQrate: Bool) throws {
        var client = MachineHarness(
            ClientMachine(id: "t", startedAt: 0, host: "h", parameters: measuring(.seconds(1, .upload))))
        client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201")))
        let older = Capability.announced.filter { $0 != Capability.latency }
        client.feed(.received(.hello(isQrate ? Hello(server: "qrate/0.0.9", capabilities: older) : .xfrServer)))
        let failure = try #require(client.machine.report.failure)
        #expect(failure.kind == .usage)
        #expect(failure.message.contains("(--latency)"))
        #expect(client.sent.allSatisfy { $0.asTestStart == nil })
    }

    @Test("a server that agrees and gives no token, or a wrong one, broke the protocol")
    func noToken() throws {
        let (client, _) = acknowledged(.seconds(1, .upload), TestAck(id: "t", dataPorts: []))
        #expect(client.machine.report.failure?.kind == .protocolError)
        for token in ["", "0f", String(repeating: "0g", count: 16), Self.token + "00"] {
            let wrong = TestAck(id: "t", dataPorts: [], qrate: .init(settings: nil, probeToken: token))
            let line = try ControlCodec.encode(.testAck(wrong))
            #expect(throws: ControlError.self) { try ControlCodec.decode(line) }
        }
    }

    @Test("probes that can't be made fail the test, and say why")
    func refusedProbes() async throws {
        let network = InMemoryNetwork()
        network.configure { $0.faults.refusedProbes = TransportError(.failed, "no sockets left") }
        try await withServer(network) { served in
            let report = await served.client(measuring(.bytes(10, .upload))).report
            #expect(report.failure == TestFailure(.failed, "no sockets left"))
            #expect(report.latency == nil)
        }
    }

    @Test("a search for the path MTU moves nothing that could load a path")
    func pathMTU() {
        var parameters = measuring(TestParameters(transport: .udp, limit: .duration(.seconds(1))))
        parameters.settings.probesPathMTU = true
        #expect(parameters.usageFailure?.message.contains("--latency") == true)
    }
}
