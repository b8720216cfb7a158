import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTransportAPI
import Testing

@Suite("the client's machine") struct ClientMachineTests {
    /// A client whose plane is open.
    private func running(_ parameters: TestParameters, _ server: Hello = .qrateServer) -> MachineHarness<ClientMachine>
    {
        var client = MachineHarness(ClientMachine(id: "t", startedAt: 0, host: "h", parameters: parameters))
        client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201")))
        client.feed(.received(.hello(server)))
        client.feed(.received(.testAck(TestAck(id: "t", dataPorts: []))))
        return client
    }

    private func row(_ second: Int, bytes: ByteCount = 500) -> ReceivedInterval {
        ReceivedInterval(start: .seconds(second - 1), end: .seconds(second), isWarmUp: false, streams: [bytes])
    }

    private func pathInterval(_ lost: UInt64, at second: Double) -> SessionEvent {
        var quic = WirePath.QUIC()
        quic.streamPacketsLost = lost
        let path = WirePath(startMilliseconds: 0, endMilliseconds: second * 1000, quic: quic)
        return .received(
            .interval(
                IntervalMessage(
                    id: "t", elapsedMilliseconds: 0, streams: [], aggregate: .init(bytes: 0, throughputMbps: 0),
                    qrate: .init(path: path))))
    }

    private func rows(_ actions: [SessionAction<TestEvent>]) -> [IntervalReport] {
        actions.compactMap { if case .emit(.interval(let row)) = $0 { row } else { nil } }
    }

    @Test("an upload opens its plane after the acknowledgement, and starts to send with it")
    func startOfUpload() {
        var client = MachineHarness(ClientMachine(id: "t", startedAt: 0, host: "h", parameters: .seconds(3, .upload)))
        #expect(
            client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201"))).map(\.summary)
                == ["emit", "send hello", "set reply"])
        #expect(client.feed(.received(.hello(.qrateServer))).map(\.summary) == ["send testStart", "set reply"])
        #expect(
            client.feed(.received(.testAck(TestAck(id: "t", dataPorts: [])))).map(\.summary) == ["open", "set reply"])
        #expect(
            client.feed(.planeReady(DataOffer(), PlaneSample())).map(\.summary)
                == ["cancel reply", "set idle", "emit", "start", "set sendingEnd"])
    }

    @Test("a download starts nothing: the server sends")
    func startOfDownload() {
        var client = running(.seconds(3, .download))
        let actions = client.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(actions.map(\.summary) == ["cancel reply", "set idle", "emit"])
    }

    @Test("an upload's row waits for a sample of this end's path, several rows for one")
    func rowsOfUpload() throws {
        var client = running(.seconds(3, .upload))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        func interval(_ second: Int) -> SessionEvent {
            .received(
                .interval(
                    IntervalMessage(
                        id: "t", elapsedMilliseconds: 0, streams: [], aggregate: .init(bytes: 0, throughputMbps: 0),
                        qrate: .init(
                            upload: WireRow(
                                startMilliseconds: Double(second - 1) * 1000, endMilliseconds: Double(second) * 1000,
                                isWarmUp: false, bytesReceived: 9, streams: [9])))))
        }
        #expect(client.feed(interval(1)).map(\.summary) == ["sample", "set idle"])
        #expect(client.feed(interval(2)).map(\.summary) == ["set idle"])
        let path = PathReport(observedBy: .client, start: .zero, end: .seconds(2), metrics: .quic(QUICPathMetrics()))
        let shown = rows(client.feed(.sampled(PlaneSample(sent: [20], path: path))))
        #expect(shown.map { $0.received(.upload) } == [9, 9])
        #expect(shown.map(\.path) == [nil, path])
    }

    @Test("a download's row waits for the server's path, whose counters become the row's own")
    func rowsOfDownload() {
        var client = running(.seconds(3, .download))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        var losses: [UInt64?] = []
        for (second, lost) in [(1, UInt64(10)), (2, 14)] {
            #expect(
                client.feed(.plane(.interval(row(second)))).map(\.summary) == [
                    "send report", "set rowPath", "set idle",
                ])
            let actions = client.feed(pathInterval(lost, at: Double(second)))
            #expect(actions.map(\.summary) == ["emit", "cancel rowPath", "set idle"])
            for case .quic(let metrics)? in rows(actions).map(\.path?.metrics) {
                losses.append(metrics.streamPacketsLost)
            }
        }
        #expect(losses == [10, 4])
    }

    @Test("a row whose path doesn't come in time is shown without")
    func rowWithoutPath() {
        var client = running(.seconds(3, .download))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        client.feed(.plane(.interval(row(1))))
        let shown = rows(client.feed(.timer(.rowPath)))
        #expect(shown.map { $0.received(.download) } == [500])
        #expect(shown.map(\.path) == [nil])
        #expect(rows(client.feed(pathInterval(1, at: 1))).isEmpty)
    }

    @Test("reports are cumulative, and the final one has the totals")
    func reports() throws {
        var client = running(.seconds(2, .download))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        let totals = ReceivedTotals(measured: [1000], warmUp: 0, drained: 30, duration: .seconds(2), isComplete: true)
        var actions = client.feed(.plane(.interval(row(1))))
        actions += client.feed(.plane(.interval(row(2))))
        actions += client.feed(.plane(.receiversDone(totals)))
        let reports = actions.compactMap { if case .send(.report(let report)) = $0 { report } else { nil } }
        #expect(reports.map(\.bytesReceived) == [500, 1000, 1030])
        #expect(reports.map(\.elapsedMilliseconds) == [1000, 2000, 2000])
        #expect(reports.map(\.isFinal) == [false, false, true])
        #expect(try reports.last?.totals?.summary().drainedBytes == 30)
    }

    @Test("xfr servers hear finish in tests with a byte budget only")
    func finish() {
        for (parameters, hello, isSaid) in [
            (TestParameters.seconds(1, .upload), Hello.xfrServer, false), (.bytes(1, .upload), .xfrServer, true),
            (.seconds(1, .upload), .qrateServer, true),
        ] {
            var client = running(parameters, hello)
            client.feed(.planeReady(DataOffer(), PlaneSample()))
            let said = client.feed(.plane(.sendersDone)).map(\.summary).contains("send finish")
            #expect(said == isSaid)
        }
    }

    @Test("a connection that ends behind the result is no failure, even if its end is noticed first")
    func resultBehindTheEnd() {
        var client = running(.seconds(2, .upload))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        client.feed(.plane(.failed(TransportError(.failed, "closed by the server"))))
        let totals = WireTotals(
            bytesReceived: 8, warmUpBytes: 0, drainedBytes: 0, durationMilliseconds: 2000, streams: [8],
            isComplete: true)
        client.feed(
            .received(
                .result(
                    ResultMessage(
                        id: "t", bytesTotal: 8, durationMilliseconds: 2000, throughputMbps: 0, streams: [],
                        qrate: .init(upload: totals)))))
        while !client.isFinished, client.advance() {}
        #expect(client.machine.report.failure == nil)
        #expect(client.machine.report.upload?.bytesReceived == 8)
    }

    @Test("a plane that fails without a word from the server fails the test")
    func planeFails() {
        var client = running(.seconds(2, .upload))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        client.feed(.plane(.failed(TransportError(.failed, "No route to host."))))
        while !client.isFinished, client.advance() {}
        #expect(client.machine.report.failure == TestFailure(.failed, "No route to host."))
    }

    @Test("rows beyond what a report keeps are shown and not kept, with a warning")
    func tooManyRows() {
        var client = running(.bytes(1, .download), .xfrServer)
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        for second in 1...Tunables.mostRows { client.feed(.plane(.interval(row(second)))) }
        #expect(client.machine.report.warnings == [])
        let shown = (1...3).flatMap { rows(client.feed(.plane(.interval(row(Tunables.mostRows + $0))))) }
        #expect(shown.count == 3)
        #expect(client.machine.report.intervals.count == Tunables.mostRows)
        #expect(client.machine.report.warnings == [.rowsDropped])
    }

    static let invalid: [TestParameters] = {
        var interval = TestParameters()
        interval.interval = .milliseconds(99)
        var warmUp = TestParameters()
        warmUp.warmUp = .seconds(-1)
        return [
            interval, warmUp, TestParameters(streams: 0),
            TestParameters(streams: 129), TestParameters(limit: .bytes(0)), TestParameters(limit: .duration(.zero)),
        ]
    }()

    @Test("what no server could run is refused before connecting", arguments: invalid)
    func usage(parameters: TestParameters) {
        let client = ClientMachine(id: "t", startedAt: 0, host: "h", parameters: parameters)
        #expect(client.isFinished)
        #expect(client.report.failure?.kind == .usage)
    }
}
