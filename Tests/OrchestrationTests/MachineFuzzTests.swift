import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// Any event, in any order, with any value: a machine must not trap, ends once, and never waits for nothing.
@Suite("machines under random events", .timeLimit(.minutes(2))) struct MachineFuzzTests {
    static let seeds: [UInt64] = Array(1...20)

    @Test("a client takes whatever comes", arguments: seeds)
    func client(seed: UInt64) {
        var events = RandomEvents(seed: seed)
        for _ in 0..<150 {
            let client = ClientMachine(id: "t", startedAt: 0, host: "h", parameters: events.parameters())
            let beginning = events.serverBeginning()
            check(MachineHarness(client), after: beginning, &events)
        }
    }

    @Test("a server takes whatever comes", arguments: seeds)
    func server(seed: UInt64) {
        var events = RandomEvents(seed: seed)
        for _ in 0..<150 {
            let beginning = events.clientBeginning()
            check(MachineHarness(ServerMachine(longestTest: .seconds(20))), after: beginning, &events)
        }
    }

    /// An ordinary beginning; random events, mixed with the answers that are due; then silence, in which timers alone
    /// must lead to the end.
    private func check<Machine>(
        _ harness: MachineHarness<Machine>, after beginning: ArraySlice<SessionEvent>, _ events: inout RandomEvents
    ) {
        var harness = harness
        for event in beginning { harness.feed(event) }
        for _ in 0..<events.count(60) {
            if events.chance(0.4) { _ = harness.advance() } else { harness.feed(events.next()) }
        }
        var steps = 0
        // An xfr client is told every second, of an hour of pause too.
        while !harness.isFinished, steps < 10_000, harness.advance() { steps += 1 }
        #expect(harness.finishes.count == 1)
        for _ in 0..<10 { harness.feed(events.next()) }
        #expect(harness.finishes.count == 1)
        #expect(!harness.spokeAfterEnd)
    }
}

/// A seeded source of events, likely ones in front.
struct RandomEvents {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func count(_ most: Int) -> Int { Int.random(in: 0...most, using: &random) }
    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }

    mutating func parameters() -> TestParameters {
        let limits: [TestLimit] = [
            .duration(.seconds(5)), .bytes(1000), .whicheverFirst(.seconds(5), 1000), .endless,
        ]
        var parameters = TestParameters(
            transport: pick(TransportKind.allCases), direction: pick(Direction.allCases), streams: pick([1, 2, 128]),
            limit: pick(limits), warmUp: pick([.zero, .seconds(1)]),
            interval: pick([.seconds(1), .milliseconds(100)]),
            targetBitrate: pick([nil, Bitrate(bitsPerSecond: 0), Bitrate(bitsPerSecond: 1_000_000)]))
        parameters.measuresLatency = chance(0.3)
        return parameters
    }

    /// What a client sees until its plane is open, or a part of it.
    mutating func serverBeginning() -> ArraySlice<SessionEvent> {
        beginning([
            .received(.hello(pick([.qrateServer, .xfrServer]))), .received(.testAck(acknowledgement("t"))),
            pick([.idleMeasured, .planeReady(DataOffer(), PlaneSample())]), .planeReady(DataOffer(), PlaneSample()),
        ])
    }

    /// What a server sees until its plane is open, or a part of it.
    mutating func clientBeginning() -> ArraySlice<SessionEvent> {
        beginning([
            .received(.hello(pick([.qrateClient, .xfrClient]))),
            .received(.testStart(TestStart(id: "t", parameters()))),
            .admission(nil), .planeReady(DataOffer(), PlaneSample()),
        ])
    }

    private mutating func beginning(_ events: [SessionEvent]) -> ArraySlice<SessionEvent> {
        let all = [.connected(PeerIdentity(address: "192.0.2.7:5201"))] + events
        return chance(0.8) ? all[...] : all.prefix(1 + count(events.count))
    }

    mutating func next() -> SessionEvent {
        switch count(14) {
        case 0...6: .received(message())
        case 7: .plane(.interval(row()))
        case 8: .plane(pick([.receiving, .sendersDone, .receiversDone(totals())]))
        case 9: .timer(pick(TimerName.allCases))
        case 10: .sampled(PlaneSample(sent: chance(0.5) ? [ByteCount(number()), 1] : nil, path: path()))
        case 11: .windowClosed(totals())
        case 12: .planeReady(DataOffer(), PlaneSample())
        case 13: .admission(chance(0.5) ? nil : TestFailure(.refused, "no"))
        default: rare()
        }
    }

    private mutating func acknowledgement(_ id: String) -> TestAck {
        let token = String(repeating: "0f", count: 16)
        return TestAck(id: id, dataPorts: [], qrate: chance(0.7) ? .init(settings: nil, probeToken: token) : nil)
    }

    private mutating func rare() -> SessionEvent {
        switch count(10) {
        case 8: .idleMeasured
        case 9: .latencyMeasured(LatencyReport())
        case 7: .pauseRequested(chance(0.5))
        case 0: .stopRequested
        case 1: .controlEnded
        case 2: .malformed(.blankLine)
        case 3: .transportFailed(TransportError(.failed, "gone"))
        case 4: .plane(.failed(TransportError(.failed, "gone")))
        case 5: .connected(PeerIdentity(address: ""))
        default: .received(message())
        }
    }

    private mutating func message() -> ControlMessage {
        let id = pick(["t", "t", "t", "other"])
        switch count(12) {
        case 0: return .hello(pick([.qrateClient, .qrateServer, .xfrClient, .xfrServer, Hello(version: "x")]))
        case 1, 2: return .testStart(start(id))
        case 3, 4: return .testAck(acknowledgement(id))
        case 5, 6: return .interval(interval(id))
        case 7: return .result(result(id))
        case 8:
            return .report(
                ReportMessage(
                    id: id, elapsedMilliseconds: milliseconds(), bytesReceived: number(), isFinal: chance(0.3),
                    totals: chance(0.5) ? wireTotals() : nil))
        case 9: return .finish(TestReference(id: id))
        case 10: return .cancel(CancelMessage(id: id, reason: ""))
        case 11: return .error(ErrorMessage(message: "\u{0}no", qrate: .init(code: pick(["failed", "?", "refused"]))))
        default:
            return pick([
                .pause(.init(id: id)), .resume(.init(id: id)), .cancelled(.init(id: id)), .authSuccess(.init()),
            ])
        }
    }

    private mutating func start(_ id: String) -> TestStart {
        if chance(0.7) { return TestStart(id: id, parameters()) }
        return TestStart(
            id: id, transport: pick([.quic, .tcp]), streams: UInt8(truncatingIfNeeded: number()),
            durationSeconds: UInt32(truncatingIfNeeded: number()), direction: pick([.upload, .download, .bidir]),
            byteBudget: chance(0.5) ? number() : nil,
            qrate: .init(
                durationMilliseconds: milliseconds(), warmUpMilliseconds: milliseconds(),
                intervalMilliseconds: milliseconds()))
    }

    private mutating func interval(_ id: String) -> IntervalMessage {
        let row = WireRow(
            startMilliseconds: milliseconds(), endMilliseconds: milliseconds(), isWarmUp: chance(0.2),
            bytesReceived: number(), streams: chance(0.5) ? [number(), number()] : nil, datagrams: datagrams())
        return IntervalMessage(
            id: id, elapsedMilliseconds: number(), streams: [.init(id: 255, bytes: number())],
            aggregate: aggregate(),
            qrate: chance(0.7) ? .init(upload: chance(0.7) ? row : nil, path: wirePath()) : nil)
    }

    private mutating func aggregate() -> IntervalMessage.Aggregate {
        var aggregate = IntervalMessage.Aggregate(bytes: number(), throughputMbps: milliseconds())
        guard chance(0.5) else { return aggregate }
        aggregate.bytesSent = number()
        aggregate.jitterMilliseconds = milliseconds()
        aggregate.udpProgress = .init(packetsReceived: number(), packetsLost: number())
        return aggregate
    }

    private mutating func datagrams() -> WireDatagrams? {
        guard chance(0.5) else { return nil }
        var report = DatagramReport(received: number(), lost: pick([0, 1, .max, .min]))
        report.receiveBufferDrops = number()
        return WireDatagrams(report)
    }

    private mutating func result(_ id: String) -> ResultMessage {
        ResultMessage(
            id: id, bytesTotal: number(), durationMilliseconds: number(), throughputMbps: milliseconds(), streams: [],
            qrate: chance(0.7)
                ? .init(
                    upload: chance(0.7) ? wireTotals() : nil, bytesSent: number(), path: wirePath(),
                    endedEarly: pick([nil, nil, "failed", "interrupted", "?"])) : nil)
    }

    private mutating func wireTotals() -> WireTotals {
        WireTotals(
            bytesReceived: number(), warmUpBytes: number(), drainedBytes: number(),
            durationMilliseconds: milliseconds(), streams: [number()], isComplete: chance(0.5), datagrams: datagrams())
    }

    private mutating func wirePath() -> WirePath? {
        guard chance(0.7) else { return nil }
        var path = WirePath(startMilliseconds: milliseconds(), endMilliseconds: milliseconds())
        switch count(3) {
        case 0:
            path.quic = WirePath.QUIC()
            path.quic?.streamPacketsLost = number()
            path.quic?.smoothedRTT = milliseconds()
        case 1:
            path.tcp = WirePath.TCP()
            path.tcp?.retransmissions = number()
            path.tcp?.busyTime = milliseconds()
        case 2:
            path.udp = WirePath.UDP()
            path.udp?.reportedLost = number()
        default: break
        }
        return path
    }

    private mutating func path() -> PathReport? {
        guard chance(0.7) else { return nil }
        var metrics = QUICPathMetrics()
        metrics.datagramsSent = number()
        return PathReport(observedBy: .client, start: .zero, end: duration(), metrics: .quic(metrics))
    }

    private mutating func row() -> ReceivedInterval {
        ReceivedInterval(
            start: duration(), end: duration(), isWarmUp: chance(0.2), streams: [ByteCount(number()), 7],
            datagrams: chance(0.5) ? DatagramReport(received: number(), lost: pick([0, .max, .min])) : nil)
    }

    private mutating func totals() -> ReceivedTotals {
        ReceivedTotals(
            measured: [ByteCount(number()), 1], warmUp: ByteCount(number()), drained: ByteCount(number()),
            duration: chance(0.5) ? duration() : nil, isComplete: chance(0.5),
            datagrams: chance(0.5) ? DatagramReport(received: number(), lost: pick([0, .max, .min])) : nil)
    }

    private mutating func number() -> UInt64 { pick([0, 1, 1000, 1 << 40, .max - 1, .max]) }
    private mutating func duration() -> Duration { pick([.zero, .milliseconds(1), .seconds(1), .seconds(5000)]) }
    private mutating func milliseconds() -> Double {
        pick([0, 1, 1000, 1500.5, -1, .nan, .infinity, 1e300, 366 * 86_400_000 - 1])
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value { values[count(values.count - 1)] }
}
