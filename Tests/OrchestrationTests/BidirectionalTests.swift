import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

@Suite("both directions at once", .timeLimit(.minutes(1))) struct BidirectionalTests {
    @Test(
        "both directions' counts, rows and paths are known at both ends, exactly", arguments: TransportKind.allCases,
        [1, 4])
    func complete(kind: TransportKind, streams: Int) async throws {
        var settings = InMemoryNetwork.Settings()
        settings.transports = [kind]
        try await withServer(InMemoryNetwork(settings)) { served in
            var parameters = TestParameters.seconds(3, .bidirectional, streams: streams, warmUp: .seconds(1))
            parameters.transport = kind
            let client = served.client(parameters)
            for second in 1...4 {
                await served.clock.pass(.seconds(1), sleepers: 2)
                await client.rows(endingAt: .seconds(second), count: 2)
            }
            let report = await client.report

            #expect(report.failure == nil)
            #expect(report.warnings == [])
            for (direction, sender) in [(Direction.upload, Role.client), (.download, .server)] {
                let rows = report.intervals.filter { $0.direction == direction }
                #expect(rows.map(\.end) == [.seconds(1), .seconds(2), .seconds(3), .seconds(4)])
                #expect(rows.map(\.isWarmUp) == [true, false, false, false])
                #expect(rows.allSatisfy { $0.streams == Array(repeating: 1000, count: streams) })
                let summary = try #require(report.summary(direction))
                #expect(summary.bytesReceived == ByteCount(UInt64(3000 * streams)))
                #expect(summary.warmUpBytes == ByteCount(UInt64(1000 * streams)))
                #expect(summary.bytesSent == ByteCount(UInt64(4000 * streams)))
                #expect(summary.duration == .seconds(3))
                #expect(summary.isComplete == true)
                let path = try #require(report.path(direction))
                #expect(path.observedBy == sender)
                #expect(path.end == .seconds(4))
                #expect(rows.compactMap(\.path).allSatisfy { $0.observedBy == sender })
            }
            let counts = try #require(served.served.first?.counts)
            #expect(counts.upload?.bytesReceived == report.upload?.bytesReceived)
            #expect(counts.download?.bytesReceived == report.download?.bytesReceived)
            #expect(counts.download?.isComplete == true)
            #expect(counts.bytesSent == report.download?.bytesSent)
            #expect(counts.failure == nil)
        }
    }

    @Test("a byte budget is each direction's own")
    func budget() async throws {
        try await withServer { served in
            let report = await served.client(.bytes(10_001, .bidirectional, streams: 3)).report
            #expect(report.failure == nil)
            #expect(report.upload?.bytesReceived == 10_001)
            #expect(report.download?.bytesReceived == 10_001)
            #expect(report.upload?.isComplete == true)
            #expect(report.download?.isComplete == true)
        }
    }

    @Test("what a receiver of datagrams counted reaches the client from both ends")
    func datagrams() async throws {
        var settings = InMemoryNetwork.Settings()
        settings.lostPerTick = 3
        try await withServer(InMemoryNetwork(settings)) { served in
            var parameters = TestParameters.seconds(2, .bidirectional)
            parameters.transport = .udp
            let client = served.client(parameters)
            for second in 1...2 {
                await served.clock.pass(.seconds(1), sleepers: 2)
                await client.rows(endingAt: .seconds(second), count: 2)
            }
            let report = await client.report
            for direction in [Direction.upload, .download] {
                #expect(report.summary(direction)?.datagrams == DatagramReport(received: 2000, lost: 6))
                let rows = report.intervals.filter { $0.direction == direction }
                #expect(rows.map { $0.datagrams?.lost } == [3, 3])
            }
            #expect(report.warnings == [])
            #expect(served.served.first?.counts.download?.datagrams == DatagramReport(received: 2000, lost: 6))
        }
    }

    @Test("a cancellation stops both directions and keeps both counts")
    func cancelled() async throws {
        try await withServer { served in
            let client = served.client(.seconds(9, .bidirectional))
            await served.clock.pass(.seconds(1), sleepers: 2)
            await client.rows(endingAt: .seconds(1), count: 2)
            client.test.cancel()
            let report = await client.report
            #expect(report.failure?.kind == .interrupted)
            #expect(report.upload?.bytesReceived == 1000)
            #expect(report.download?.bytesReceived == 1000)
            #expect(served.served.first?.counts.failure?.kind == .interrupted)
        }
    }

    @Test("a direction that ends early is not the end of the other one")
    func oneEndsEarly() throws {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "a")))
        server.feed(.received(.hello(.qrateClient)))
        server.feed(.received(.testStart(TestStart(id: "t", .bytes(100, .bidirectional)))))
        server.feed(.admission(nil))
        server.feed(.planeReady(DataOffer(), PlaneSample()))
        // The download is over: sent, received, reported. The upload takes its time.
        #expect(server.feed(.plane(.sendersDone)).map(\.summary) == ["set finalReport", "set idle"])
        let final = ReportMessage(id: "t", elapsedMilliseconds: 1, bytesReceived: 100, isFinal: true)
        #expect(server.feed(.received(.report(final))).map(\.summary) == ["cancel finalReport", "set idle"])
        #expect(server.armed[.drain] == nil)
        #expect(server.feed(.received(.finish(TestReference(id: "t")))).map(\.summary) == ["set drain", "set idle"])
        let totals = ReceivedTotals(measured: [100], warmUp: 0, drained: 0, duration: .seconds(60), isComplete: true)
        #expect(server.feed(.plane(.receiversDone(totals))).map(\.summary).last == "sample")
    }

    @Test("a client waits for the result once it is done in both directions, not before")
    func clientWaits() {
        var client = MachineHarness(
            ClientMachine(id: "t", startedAt: 0, host: "h", parameters: .bytes(100, .bidirectional)))
        client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201")))
        client.feed(.received(.hello(.qrateServer)))
        client.feed(.received(.testAck(TestAck(id: "t", dataPorts: []))))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(client.feed(.plane(.sendersDone)).map(\.summary) == ["send finish", "set idle"])
        let totals = ReceivedTotals(measured: [100], warmUp: 0, drained: 0, duration: .seconds(60), isComplete: true)
        #expect(
            client.feed(.plane(.receiversDone(totals))).map(\.summary) == ["send report", "set result", "set idle"])
    }
}
