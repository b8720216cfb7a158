import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTransportAPI
import Testing

@Suite("the server's machine") struct ServerMachineTests {
    private func running(_ parameters: TestParameters, _ client: Hello = .qrateClient) -> MachineHarness<ServerMachine>
    {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "198.51.100.1:40000")))
        server.feed(.received(.hello(client)))
        server.feed(.received(.testStart(TestStart(id: "t", parameters))))
        server.feed(.admission(nil))
        return server
    }

    private let totals = ReceivedTotals(
        measured: [70, 30], warmUp: 5, drained: 7, duration: .seconds(2), isComplete: true)

    private func resultMessage(_ actions: [SessionAction<ServerEvent>]) -> ResultMessage? {
        actions.compactMap { if case .send(.result(let result)) = $0 { result } else { nil } }.first
    }

    @Test("the test is admitted, then offered, then acknowledged; a download starts right then")
    func start() {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        #expect(
            server.feed(.connected(PeerIdentity(address: "198.51.100.1:40000"))).map(\.summary) == ["set firstLine"])
        #expect(
            server.feed(.received(.hello(.qrateClient))).map(\.summary)
                == ["cancel firstLine", "set reply", "send hello"])
        #expect(
            server.feed(.received(.testStart(TestStart(id: "t", .seconds(2, .download))))).map(\.summary)
                == ["cancel reply", "admit"])
        #expect(server.feed(.admission(nil)).map(\.summary) == ["offer", "set reply"])
        #expect(
            server.feed(.planeReady(DataOffer(), PlaneSample())).map(\.summary)
                == [
                    "cancel reply", "emit", "send testAck", "set longestTest", "set idle", "start", "set sendingEnd",
                ])
    }

    @Test("a client that asks for the processor time is told each time, and may go without a test or a word in the log")
    func usage() {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "198.51.100.1:40000")))
        server.feed(.received(.hello(.qrateClient)))
        #expect(
            server.feed(.received(.usage(UsageMessage()))).map(\.summary)
                == ["set longestTest", "set reply", "measureUsage"])
        let answer = server.feed(.usageMeasured(.microseconds(1_234)))
        #expect(answer.map(\.summary) == ["send usage"])
        let told: [UInt64] = answer.compactMap {
            guard case .send(.usage(let usage)) = $0 else { return nil }
            return usage.processMicroseconds
        }
        #expect(told == [1_234])
        #expect(server.feed(.received(.usage(UsageMessage()))).map(\.summary) == ["set reply", "measureUsage"])
        #expect(server.feed(.controlEnded).map(\.summary) == ["finish done"])
    }

    @Test("questions don't keep a session for ever")
    func usageForEver() {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "198.51.100.1:40000")))
        server.feed(.received(.hello(.qrateClient)))
        server.feed(.received(.usage(UsageMessage())))
        #expect(server.feed(.timer(.longestTest)).map(\.summary) == ["emit", "send error", "set linger"])
    }

    @Test("a client that isn't qrate has no business with that message")
    func usageOfForeigner() {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "198.51.100.1:40000")))
        server.feed(.received(.hello(Hello(client: "xfr/0.9.25", capabilities: []))))
        #expect(
            server.feed(.received(.usage(UsageMessage()))).map(\.summary) == ["emit", "send error", "set linger"])
    }

    @Test("an upload's result has the receiver's totals, in xfr's fields those of the window")
    func resultOfUpload() throws {
        var server = running(.seconds(2, .upload, streams: 2))
        server.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(
            server.feed(.plane(.receiversDone(totals))).map(\.summary) == ["cancel interval", "sample"])
        let actions = server.feed(.sampled(PlaneSample()))
        #expect(actions.map(\.summary) == ["emit", "send result", "set linger"])
        let result = try #require(resultMessage(actions))
        #expect(result.bytesTotal == 100)
        #expect(result.durationMilliseconds == 2000)
        #expect(result.streams.map(\.id) == [0, 1])
        #expect(result.streams.map(\.bytes) == [70, 30])
        let upload = try #require(result.qrate?.upload)
        #expect(upload.warmUpBytes == 5)
        #expect(upload.drainedBytes == 7)
        #expect(upload.isComplete)
        #expect(result.qrate?.bytesSent == nil)
        #expect(result.qrate?.endedEarly == nil)
    }

    @Test("a download's result waits for the sender's end and the client's final report, in any order")
    func endOfDownload() throws {
        let final = SessionEvent.received(
            .report(
                ReportMessage(
                    id: "t", elapsedMilliseconds: 2000, bytesReceived: 112, isFinal: true, totals: nil)))
        for events in [[final, .plane(.sendersDone)], [.plane(.sendersDone), final]] {
            var server = running(.seconds(2, .download))
            server.feed(.planeReady(DataOffer(), PlaneSample()))
            #expect(!server.feed(events[0]).map(\.summary).contains("sample"))
            #expect(server.feed(events[1]).map(\.summary).contains("sample"))
            let result = try #require(resultMessage(server.feed(.sampled(PlaneSample(sent: [112])))))
            #expect(result.qrate?.bytesSent == 112)
            #expect(result.qrate?.upload == nil)
        }
    }

    @Test("a report is answered by an interval with a fresh path; reports in between share the answer")
    func answers() {
        var server = running(.seconds(2, .download))
        server.feed(.planeReady(DataOffer(), PlaneSample()))
        let report = SessionEvent.received(
            .report(ReportMessage(id: "t", elapsedMilliseconds: 1, bytesReceived: 1, isFinal: false)))
        #expect(server.feed(report).map(\.summary) == ["sample", "set idle"])
        #expect(server.feed(report).map(\.summary) == ["set idle"])
        let path = PathReport(observedBy: .server, start: .zero, end: .seconds(1), metrics: .quic(QUICPathMetrics()))
        let actions = server.feed(.sampled(PlaneSample(sent: [9], path: path)))
        guard case .send(.interval(let interval))? = actions.first else {
            Issue.record("no interval")
            return
        }
        #expect(interval.aggregate.bytes == 9)
        #expect(interval.qrate?.path?.endMilliseconds == 1000)
        #expect(interval.qrate?.upload == nil)
    }

    @Test("after finish, streams that don't end are cut off when the drain is over")
    func drain() throws {
        var server = running(.bytes(100, .upload, streams: 2))
        server.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(server.feed(.received(.finish(TestReference(id: "t")))).map(\.summary) == ["set drain", "set idle"])
        #expect(server.feed(.timer(.drain)).map(\.summary) == ["close window"])
        var open = totals
        open.isComplete = false
        server.feed(.windowClosed(open))
        let result = try #require(resultMessage(server.feed(.sampled(PlaneSample()))))
        #expect(result.qrate?.upload?.isComplete == false)
    }

    @Test("cancel is confirmed before the partial result")
    func cancel() throws {
        var server = running(.seconds(9, .upload, streams: 2))
        server.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(
            server.feed(.received(.cancel(CancelMessage(id: "t", reason: "")))).map(\.summary)
                == ["send cancelled", "cancel interval", "close window", "sample"])
        server.feed(.sampled(PlaneSample()))
        let actions = server.feed(.windowClosed(totals))
        #expect(actions.map(\.summary) == ["emit", "send result", "set linger"])
        #expect(resultMessage(actions)?.qrate?.endedEarly == "interrupted")
        #expect(server.feed(.controlEnded).map(\.summary) == ["finish cancelled"])
    }
}
