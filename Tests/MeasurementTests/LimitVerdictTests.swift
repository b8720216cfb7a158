import QrateMeasurement
import Testing

@Suite("what limited a direction") struct LimitVerdictTests {
    private func shares(_ parts: [LimitCause: Int]) -> LimitShares {
        LimitShares(
            LimitCause.allCases.reduce(into: [:]) { $0[$1] = .milliseconds(parts[$1] ?? 0) })
    }

    private func facts(
        _ transport: TransportKind = .quic, window: ByteCount? = nil, isChosen: Bool = false, receiver: Double? = nil
    ) -> LimitVerdict.Facts {
        var facts = LimitVerdict.Facts(transport: transport, sender: .client)
        facts.window = window
        facts.hasChosenWindow = isChosen
        facts.throughput = Bitrate(bitsPerSecond: 25_000_000)
        facts.roundTrip = .milliseconds(40)
        facts.busiestReceivingThread = receiver
        return facts
    }

    @Test(
        "the cause that took most of the time is it",
        arguments: [
            (.congestionWindow, .congestion), (.pacing, .congestion), (.flowControl, .flowControl),
            (.targetBitrate, .targetBitrate), (.application, .application), (.socketBuffer, .socketBuffer),
            (.cpu, .senderCPU), (.idle, .idle),
        ] as [(LimitCause, LimitVerdict.Limit)])
    func longest(cause: LimitCause, limit: LimitVerdict.Limit) throws {
        var parts = [LimitCause.cpu: 60, .idle: 10, .congestionWindow: 30]
        parts[cause] = 900
        let verdict = try #require(LimitVerdict(shares(parts), facts()))
        #expect(verdict.limit == limit)
        #expect(verdict.second == nil)
        #expect(verdict.share > 0.85)
    }

    @Test("the congestion controller's window and its pacing are one limit")
    func pacing() throws {
        let verdict = try #require(
            LimitVerdict(shares([.congestionWindow: 300, .pacing: 300, .flowControl: 400]), facts()))
        #expect(verdict.limit == .congestion)
        #expect(verdict.share == 0.6)
    }

    @Test("where none took most of the time, two are named, with the setting against either")
    func second() throws {
        let verdict = try #require(
            LimitVerdict(
                shares([.cpu: 450, .flowControl: 400, .idle: 150]), facts(window: 125_000, isChosen: true)))
        #expect(verdict.limit == .senderCPU)
        #expect(verdict.second == .some(.init(limit: .flowControl, share: 0.4)))
        #expect(verdict.setting == .init(name: "-w", value: "256K"))
    }

    @Test("on loopback, waiting for acknowledgements is waiting for the receiver's work; waiting for credit isn't")
    func loopback() throws {
        var facts = facts(isChosen: true)
        facts.isLoopback = true
        let verdict = try #require(LimitVerdict(shares([.cpu: 450, .congestionWindow: 500, .pacing: 50]), facts))
        #expect(verdict.limit == .hostCPU)
        #expect(verdict.share == 1)
        #expect(verdict.second == nil)
        #expect(LimitVerdict(shares([.cpu: 200, .flowControl: 800]), facts)?.limit == .flowControl)
        #expect(LimitVerdict(shares([.cpu: 200, .targetBitrate: 800]), facts)?.limit == .targetBitrate)
    }

    @Test("a receiver without time left is why its window, or its acknowledgements, don't come")
    func receiver() throws {
        for cause in [LimitCause.congestionWindow, .pacing, .flowControl] {
            let verdict = try #require(LimitVerdict(shares([cause: 900, .cpu: 100]), facts(receiver: 0.97)))
            #expect(verdict.limit == .receiverCPU)
            #expect(verdict.share == 0.97 && verdict.isByThread)
            #expect(try #require(LimitVerdict(shares([cause: 1]), facts(receiver: 0.6))).limit != .receiverCPU)
        }
        var behind = facts(receiver: 0.5)
        behind.busiestSendingThread = 0.95
        #expect(LimitVerdict(shares([.congestionWindow: 900]), behind)?.limit == .senderCPU)
        let paced = try #require(LimitVerdict(shares([.targetBitrate: 900]), facts(receiver: 0.97)))
        #expect(paced.limit == .targetBitrate)
    }

    @Test("a window that was too small is doubled at least, to a power of two")
    func largerWindow() throws {
        func setting(_ facts: LimitVerdict.Facts, _ cause: LimitCause = .flowControl) throws -> LimitVerdict.Setting? {
            try #require(LimitVerdict(shares([cause: 900, .cpu: 100]), facts)).setting
        }
        // 25 Mbit/s and 40 ms are 125,000 bytes.
        #expect(try setting(facts(window: 100_000, isChosen: true)) == .init(name: "-w", value: "256K"))
        #expect(try setting(facts(window: 200_000, isChosen: true)) == .init(name: "-w", value: "512K"))
        #expect(try setting(facts(window: ByteCount(3 << 20), isChosen: true)) == .init(name: "-w", value: "8M"))
        // QUIC's is as large as it gets; a kernel's own is the receiver's to raise.
        #expect(try setting(facts(window: ByteCount(256 << 20))) == nil)
        #expect(
            try setting(facts(.tcp)) == .init(name: "net.ipv4.tcp_rmem", value: "262144", end: .server))
        #expect(
            try setting(facts(.tls), .socketBuffer)
                == .init(name: "net.ipv4.tcp_wmem", value: "262144", end: .client))
        #expect(try setting(facts(.udp), .socketBuffer) == nil)
        #expect(try setting(facts(window: 100_000, isChosen: true), .congestionWindow) == nil)
    }

    @Test("without time, or without knowing, there is no verdict")
    func nothing() {
        #expect(LimitVerdict(shares([:]), facts()) == nil)
        #expect(LimitVerdict(LimitShares([:]), facts()) == nil)
        #expect(LimitShares([:]).share(of: .cpu) == nil)
    }

    @Test("shares of several connections are their mean, unless one can't tell")
    func mean() throws {
        let both = [shares([.cpu: 100]), shares([.cpu: 40, .pacing: 60])]
        let mean = try #require(LimitShares.mean(both))
        #expect(mean[.cpu] == .milliseconds(70))
        #expect(mean[.pacing] == .milliseconds(30))
        #expect(mean.covered == .milliseconds(100))
        #expect(LimitShares.mean(both + [LimitShares([.cpu: .seconds(1)])]) == nil)
        #expect(LimitShares.mean([]) == nil)
    }

    @Test("what came in addition is never less than nothing")
    func growth() {
        let growth = shares([.cpu: 100, .idle: 5]).since(shares([.cpu: 40, .idle: 9]))
        #expect(growth[.cpu] == .milliseconds(60))
        #expect(growth[.idle] == .zero)
    }
}
