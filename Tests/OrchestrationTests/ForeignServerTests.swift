import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// What a client makes of xfr's fields, and what it refuses to ask of xfr's server.
@Suite("a client and xfr's server") struct ForeignServerTests {
    private func client(
        _ parameters: TestParameters, _ ack: TestAck = TestAck(id: "t", dataPorts: []), hello: Hello = .xfrServer
    ) -> MachineHarness<ClientMachine> {
        var client = MachineHarness(ClientMachine(id: "t", startedAt: 0, host: "h", parameters: parameters))
        client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201")))
        client.feed(.received(.hello(hello)))
        client.feed(.received(.testAck(ack)))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        return client
    }

    private static let token = TestAck(id: "t", dataPorts: [], udpToken: String(repeating: "a0", count: 16))

    private func parameters(
        _ transport: TransportKind, _ direction: Direction, streams: Int = 1
    ) -> TestParameters {
        TestParameters(transport: transport, direction: direction, streams: streams, limit: .duration(.seconds(2)))
    }

    private func interval(_ elapsed: UInt64, _ bytes: UInt64, _ change: (inout IntervalMessage.Aggregate) -> Void)
        -> SessionEvent
    {
        var aggregate = IntervalMessage.Aggregate(bytes: bytes, throughputMbps: 0)
        change(&aggregate)
        return .received(
            .interval(
                IntervalMessage(
                    id: "t", elapsedMilliseconds: elapsed, streams: [.init(id: 0, bytes: bytes)], aggregate: aggregate))
        )
    }

    private func result(_ bytes: UInt64, _ change: (inout ResultMessage) -> Void = { _ in }) -> SessionEvent {
        var result = ResultMessage(
            id: "t", bytesTotal: bytes, durationMilliseconds: 2000, throughputMbps: 0,
            streams: [.init(id: 0, bytes: bytes, throughputMbps: 0)])
        change(&result)
        return .received(.result(result))
    }

    private func finish(_ client: inout MachineHarness<ClientMachine>) {
        while !client.isFinished, client.advance() {}
    }

    @Test("a UDP upload's loss comes out of udp_progress and udp_stats, with a warning how xfr counts")
    func udpUpload() throws {
        var client = client(parameters(.udp, .upload), Self.token)
        client.feed(interval(1, 0) { _ in })  // xfr's first, at once: no row of a millisecond
        client.feed(
            interval(1000, 14_000) {
                $0.udpProgress = .init(packetsReceived: 10, packetsLost: 2)
                $0.jitterMilliseconds = 0.02
            })
        client.feed(.sampled(PlaneSample()))
        client.feed(interval(2000, 14_000) { $0.udpProgress = .init(packetsReceived: 20, packetsLost: 3) })
        client.feed(.sampled(PlaneSample(sent: [32_200])))
        client.feed(.plane(.sendersDone))
        client.feed(
            result(28_000) {
                $0.udpStatistics = .init(
                    packetsSent: 23, packetsReceived: 20, lost: 3, lostPercent: 13, jitterMilliseconds: 0.02,
                    outOfOrder: 1, maxJitterMilliseconds: 0.4, packetSize: 1400)
            })
        finish(&client)
        let report = client.machine.report
        #expect(report.intervals.map(\.start) == [.zero, .seconds(1)])
        #expect(report.intervals.map { $0.datagrams?.received } == [10, 10])
        #expect(report.intervals.map { $0.datagrams?.lost } == [2, 1])
        #expect(report.intervals.first?.datagrams?.jitter == .microseconds(20))
        var counted = DatagramReport(received: 20, lost: 3, reordered: 1)
        counted.jitter = .microseconds(20)
        counted.maxJitter = .microseconds(400)
        #expect(report.upload?.datagrams == counted)
        #expect(report.upload?.bytesReceived == 28_000)
        #expect(report.warnings == [.foreignWindow, .foreignLoss])
        #expect(report.failure == nil)
        // Our server's default rate is said, not left to the peer's.
        #expect(client.sent.compactMap(\.asTestStart).first?.bitrate == 1_000_000_000)
    }

    @Test("a UDP download is what this end counted, whose window closes 250 ms after the result")
    func udpDownload() {
        var client = client(parameters(.udp, .download), Self.token)
        client.feed(.plane(.receiving))
        client.feed(result(999_999))
        #expect(client.armed[.drain].map { $0 - client.now } == .milliseconds(250))
        client.feed(.timer(.drain))
        client.feed(
            .windowClosed(
                ReceivedTotals(
                    measured: [14_000], warmUp: 0, drained: 0, duration: .seconds(2), isComplete: false,
                    datagrams: DatagramReport(received: 10, lost: 1))))
        finish(&client)
        let report = client.machine.report
        #expect(report.download?.bytesReceived == 14_000)
        #expect(report.download?.bytesSent == 999_999)
        #expect(report.download?.isComplete == nil)
        #expect(report.download?.datagrams == DatagramReport(received: 10, lost: 1))
        #expect(report.warnings == [])
        #expect(report.failure == nil)
    }

    @Test("in both directions the upload is bytes_sent, the download this end's own count")
    func both() {
        var client = client(parameters(.tcp, .bidirectional))
        client.feed(
            interval(1000, 330) {
                $0.bytesSent = 30
                $0.bytesReceived = 300
            })
        client.feed(.sampled(PlaneSample()))
        client.feed(.plane(.sendersDone))
        client.feed(
            result(660) {
                $0.bytesSent = 60
                $0.bytesReceived = 600
            })
        client.feed(
            .plane(
                .receiversDone(
                    ReceivedTotals(
                        measured: [590], warmUp: 0, drained: 5, duration: .seconds(2), isComplete: false))))
        finish(&client)
        let report = client.machine.report
        #expect(report.intervals.map(\.bytesReceived) == [30])
        #expect(report.intervals.map(\.streams) == [[]])
        #expect(report.upload?.bytesReceived == 60)
        #expect(report.upload?.streams == [])
        #expect(report.download?.bytesReceived == 590)
        #expect(report.download?.bytesSent == 600)
        #expect(report.failure == nil)
    }

    @Test("an acknowledgement whose data can't be found ends the test")
    func acknowledgements() {
        let many = TestAck(id: "t", dataPorts: [1, 2, 3])
        let none = TestAck(id: "t", dataPorts: [])
        var old = Hello.xfrServer
        old.capabilities = ["tcp", "udp", "byte_budget_v1"]
        for (kind, ack, hello) in [
            (.tcp, many, .xfrServer), (.udp, none, .xfrServer), (.tcp, none, old), (.udp, Self.token, old),
        ] as [(TransportKind, TestAck, Hello)] {
            let client = client(parameters(kind, .upload), ack, hello: hello)
            #expect(client.machine.report.failure?.kind == .protocolError)
            #expect(client.plans.isEmpty)
        }
        // One port per stream is the older way, and fine.
        let ports = TestAck(id: "t", dataPorts: [40_123])
        #expect(client(parameters(.udp, .upload), ports, hello: old).plans.first?.peer == [])
    }

    typealias Change = @Sendable (inout TestParameters) -> Void

    static let beyondTheWire: [(String, TransportKind, Direction, Change)] = [
        ("-w", .quic, .upload, { $0.settings.window = 9 }),
        ("-b", .quic, .download, { $0.targetBitrate = Bitrate(bitsPerSecond: 9) }),
        ("-C", .quic, .bidirectional, { $0.settings.congestionController = "cubic" }),
        ("-S", .quic, .download, { $0.settings.typeOfService = 8 }),
        ("-l", .udp, .upload, { $0.settings.payloadUnit = 1200 }),
        ("-l", .tcp, .download, { $0.settings.payloadUnit = 1200 }),
        ("-P", .quic, .upload, { $0.streams = 101 }),
        ("--max-datagram", .quic, .upload, { $0.settings.maxDatagram = .interface }),
        (
            "--connections", .quic, .upload,
            {
                $0.streams = 2
                $0.settings.connections = 2
            }
        ),
        ("--datagrams", .quic, .upload, { $0.settings.usesDatagrams = true }),
        ("--skip-rx-copy", .tcp, .upload, { $0.settings.skipsReceiveCopy = true }),
        ("-M", .tcp, .upload, { $0.settings.maxSegmentSize = 1000 }),
        ("--zeros", .tcp, .download, { $0.payload = .zeros }),
        ("--omit", .tcp, .upload, { $0.warmUp = .seconds(1) }),
        ("-i", .tcp, .bidirectional, { $0.interval = .seconds(2) }),
    ]

    @Test("what the wire can't carry to xfr is refused by the flag's name", arguments: beyondTheWire)
    func refusals(flag: String, kind: TransportKind, direction: Direction, change: Change) {
        var asked = parameters(kind, direction)
        change(&asked)
        #expect(asked.usageFailure == nil)
        let failure = client(asked).machine.report.failure
        #expect(failure?.kind == .usage)
        #expect(failure?.message.contains(flag) == true, "\(failure?.message ?? "")")
    }

    @Test(
        "what it can is asked for in xfr's fields",
        arguments: [Direction.upload, .download])
    func carried(direction: Direction) throws {
        var asked = parameters(.tcp, direction)
        asked.targetBitrate = Bitrate(bitsPerSecond: 5)
        asked.settings.window = 1000
        asked.settings.congestionController = "bbr"
        asked.settings.typeOfService = 184
        asked.settings.sendsWithoutDelay = true
        asked.settings.usesMultipath = true
        asked.settings.usesZeroCopy = true
        let start = try #require(client(asked).sent.compactMap(\.asTestStart).first)
        #expect(start.bitrate == 5)
        #expect(start.windowSize == 1000)
        #expect(start.congestion == "bbr")
        #expect(start.dscp == 184)
        #expect(start.sendsWithoutDelay == true)
        #expect(start.usesMultipath == true)
        #expect(start.usesZeroCopy == true)
    }
}
