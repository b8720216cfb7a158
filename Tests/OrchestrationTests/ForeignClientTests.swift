import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// What a server tells a client that isn't qrate: xfr's fields, filled as its own server fills them.
@Suite("a server and xfr's client") struct ForeignClientTests {
    /// A server whose plane is open.
    private func server(
        _ transport: WireProtocol, _ direction: WireDirection, streams: UInt8 = 1, seconds: UInt32 = 2,
        budget: UInt64? = nil, _ first: PlaneSample = PlaneSample(sent: [0])
    ) -> MachineHarness<ServerMachine> {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "a")))
        server.feed(.received(.hello(.xfrClient)))
        var start = TestStart(
            id: "t", transport: transport, streams: streams, durationSeconds: seconds, direction: direction,
            byteBudget: budget)
        start.usesZeroCopy = true  // as xfr's clients always say
        server.feed(.received(.testStart(start)))
        server.feed(.admission(nil))
        server.feed(.planeReady(DataOffer(), first))
        return server
    }

    private func row(_ tenth: Int, _ streams: [ByteCount], _ datagrams: DatagramReport? = nil) -> SessionEvent {
        .plane(
            .interval(
                ReceivedInterval(
                    start: .milliseconds(tenth * 100 - 100), end: .milliseconds(tenth * 100), isWarmUp: false,
                    streams: streams, datagrams: datagrams)))
    }

    private func intervals(_ server: MachineHarness<ServerMachine>) -> [IntervalMessage] {
        server.sent.compactMap(\.asInterval)
    }

    @Test("rows of a tenth of a second become messages of a second that begins with the acknowledgement")
    func seconds() throws {
        var server = server(.tcp, .upload, streams: 2)
        #expect(server.plans.first?.interval == .milliseconds(100))
        #expect(server.plans.first?.peer.contains(.isQrate) == false)
        #expect(server.plans.first?.peer.contains([.singlePortTCP, .singlePortUDP, .takesDatagramFeedback]) == true)
        for tenth in 1...9 { server.feed(row(tenth, [10, 20])) }
        #expect(server.feed(.timer(.interval)).map(\.summary) == ["sample", "set interval"])
        server.feed(.sampled(PlaneSample()))
        #expect(intervals(server).map(\.aggregate.bytes) == [0, 270])
        #expect(intervals(server).last?.streams.map(\.bytes) == [90, 180])
        #expect(intervals(server).allSatisfy { $0.qrate == nil && $0.aggregate.bytesSent == nil })
    }

    @Test("of datagrams it says how many came and were lost until now, and the jitter")
    func datagrams() throws {
        var server = server(.udp, .upload)
        var counted = DatagramReport(received: 90, lost: 5)
        counted.jitter = .microseconds(500)
        server.feed(row(1, [90_000], counted))
        server.feed(.timer(.interval))
        server.feed(.sampled(PlaneSample()))
        server.feed(row(2, [10_000], DatagramReport(received: 10, lost: -1)))
        server.feed(.timer(.interval))
        server.feed(.sampled(PlaneSample()))
        let told = intervals(server).dropFirst()
        #expect(
            told.map(\.aggregate.udpProgress) == [
                .init(packetsReceived: 90, packetsLost: 5), .init(packetsReceived: 100, packetsLost: 4),
            ])
        #expect(told.map(\.aggregate.lost) == [5, nil])
        #expect(told.map(\.aggregate.jitterMilliseconds) == [0.5, 0.5])
        #expect(told.map { $0.streams.map(\.retransmits) } == [[0], [0]])

        var totals = ReceivedTotals(
            measured: [100_000], warmUp: 0, drained: 0, duration: .seconds(2), isComplete: false,
            datagrams: DatagramReport(received: 100, lost: 4, duplicates: 1, reordered: 2))
        totals.datagrams?.jitter = .microseconds(20)
        totals.datagrams?.maxJitter = .microseconds(400)
        // Datagrams don't say which is the last: 250 ms after the planned end, the window is closed by hand.
        #expect(server.feed(.timer(.foreignEnd)).map(\.summary) == ["cancel interval", "close window", "sample"])
        server.feed(.windowClosed(totals))
        server.feed(.sampled(PlaneSample()))
        let result = try #require(server.sent.compactMap(\.asResult).first)
        #expect(
            result.udpStatistics
                == .init(
                    packetsSent: 104, packetsReceived: 100, lost: 4, lostPercent: 4.0 / 104 * 100,
                    jitterMilliseconds: 0.02, outOfOrder: 2, maxJitterMilliseconds: 0.4, packetSize: 1400))
        #expect(result.tcpInfo == nil)
        #expect(result.qrate == nil)
    }

    @Test("of TCP it says what the sending kernel knows, the window in segments")
    func tcp() throws {
        func sample(_ sent: ByteCount, _ retransmissions: UInt64) -> PlaneSample {
            var metrics = TCPPathMetrics()
            metrics.smoothedRTT = .microseconds(210)
            metrics.rttVariation = .microseconds(40)
            metrics.congestionWindow = 14_480
            metrics.maxSegmentSize = 1448
            metrics.retransmissions = retransmissions
            let path = PathReport(observedBy: .server, start: .zero, end: .seconds(1), metrics: .tcp(metrics))
            return PlaneSample(sent: [sent], path: path)
        }
        var server = server(.tcp, .download, sample(0, 0))
        for (sent, retransmissions) in [(1000, 3), (3000, 4)] as [(ByteCount, UInt64)] {
            server.feed(.timer(.interval))
            server.feed(.sampled(sample(sent, retransmissions)))
        }
        let told = intervals(server)
        #expect(told.map(\.aggregate.bytes) == [0, 1000, 2000])
        #expect(told.map(\.aggregate.retransmits) == [0, 3, 1])
        #expect(told.map { $0.streams.first?.congestionWindow } == [10, 10, 10])
        #expect(told.map { $0.streams.first?.rttMicroseconds } == [210, 210, 210])
        server.feed(.plane(.sendersDone))
        server.feed(.sampled(sample(3000, 4)))
        let result = try #require(server.sent.compactMap(\.asResult).first)
        #expect(
            result.tcpInfo
                == .init(
                    retransmits: 4, rttMicroseconds: 210, rttVariationMicroseconds: 40, congestionWindow: 10))
        #expect(result.streams.map(\.retransmits) == [4])
        #expect(result.bytesTotal == 3000)
    }

    @Test("in both directions it tells them apart in the client's view")
    func both() throws {
        var server = server(.quic, .bidir, streams: 2, PlaneSample(sent: [0, 0]))
        server.feed(row(1, [10, 20]))
        server.feed(.timer(.interval))
        server.feed(.sampled(PlaneSample(sent: [100, 200])))
        let told = try #require(intervals(server).last)
        #expect(told.streams.map(\.bytes) == [110, 220])
        #expect(told.aggregate.bytes == 330)
        #expect(told.aggregate.bytesSent == 30)
        #expect(told.aggregate.bytesReceived == 300)
        server.feed(.plane(.sendersDone))
        server.feed(
            .plane(
                .receiversDone(
                    ReceivedTotals(
                        measured: [10, 20], warmUp: 0, drained: 0, duration: .seconds(1), isComplete: true))))
        server.feed(.sampled(PlaneSample(sent: [100, 200])))
        let result = try #require(server.sent.compactMap(\.asResult).first)
        #expect(result.bytesTotal == 330)
        #expect(result.bytesSent == 30)
        #expect(result.bytesReceived == 300)
        #expect(result.streams.map(\.bytes) == [110, 220])
    }

    @Test("finish means something with a byte budget only; then datagrams are waited for 250 ms, streams 10 s")
    func finish() {
        let finish = SessionEvent.received(.finish(TestReference(id: "t")))
        var timed = server(.tcp, .upload)
        #expect(timed.feed(finish).map(\.summary) == ["set idle"])
        for (transport, wait) in [(WireProtocol.udp, Duration.milliseconds(250)), (.tcp, .seconds(10))] {
            var server = server(transport, .upload, seconds: 0, budget: 1000)
            server.feed(finish)
            #expect(server.armed[.drain].map { $0 - server.now } == wait)
        }
    }

    @Test("the test's time is over by the acknowledgement's clock, and no interval is sent for it")
    func planned() {
        var server = server(.udp, .download, seconds: 1)
        server.deliver()
        // The first of the timers: a second is over, and so is the test.
        _ = server.advance()
        #expect(server.armed[.foreignEnd].map { $0 - server.now } == .milliseconds(250))
        #expect(intervals(server).count == 1)
    }

    @Test("it announces what works, and no more than its listener says")
    func capabilities() throws {
        for (traits, isAnnounced) in [(PeerTraits.qrate, true), (PeerTraits.qrate.subtracting(.singlePortUDP), false)] {
            var server = MachineHarness(ServerMachine(longestTest: .seconds(1), traits: traits))
            server.feed(.connected(PeerIdentity(address: "a")))
            server.feed(.received(.hello(.xfrClient)))
            let hello = try #require(server.sent.first?.asHello)
            #expect(hello.capabilities?.contains("single_port_udp_v1") == isAnnounced)
            #expect(
                hello.capabilities?.filter { $0 != "single_port_udp_v1" } == [
                    "tcp", "udp", "quic", "multistream", "single_port_tcp", "pause_resume", "udp_feedback_v1",
                    "zerocopy_v1", "mtu_probe_v1", "byte_budget_v1", "qrate_v1", "qrate_usage_v1",
                    "qrate_latency_v1",
                ])
            server.feed(
                .received(
                    .testStart(
                        TestStart(id: "t", transport: .udp, streams: 1, durationSeconds: 1, direction: .upload))))
            server.feed(.admission(nil))
            #expect(server.plans.first?.peer.contains(.singlePortUDP) == isAnnounced)
        }
    }

    @Test("the end of a search for the path MTU is its cancellation, and no failure")
    func search() throws {
        var server = MachineHarness(ServerMachine(longestTest: .seconds(3600)))
        server.feed(.connected(PeerIdentity(address: "a")))
        server.feed(.received(.hello(.xfrClient)))
        var start = TestStart(id: "t", transport: .udp, streams: 1, durationSeconds: 60, direction: .upload)
        start.probesPathMTU = true
        server.feed(.received(.testStart(start)))
        server.feed(.admission(nil))
        server.feed(.planeReady(DataOffer(), PlaneSample()))
        #expect(server.plans.first?.parameters.settings.probesPathMTU == true)
        let cancel = CancelMessage(id: "t", reason: "MTU probe complete")
        #expect(server.feed(.received(.cancel(cancel))).map(\.summary).first == "send cancelled")
        while server.sent.compactMap(\.asResult).isEmpty, server.advance() {}
        #expect(server.sent.last?.asResult != nil)
        #expect(server.sent.compactMap(\.asError).isEmpty)
    }
}
