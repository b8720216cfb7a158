import QrateMeasurement
import QratePathEmulation
import Testing

@Suite("the fate of packets on an emulated link") struct LinkEmulationTests {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)

    /// Sends so many packets, one every `gap`, and gives their fates.
    private func fates(
        _ settings: LinkSettings, seed: UInt64 = 1, packets: Int, bytes: Int = 1500, gap: Duration = .milliseconds(1)
    ) -> [PacketFate] {
        var link = LinkEmulation(settings, seed: seed)
        return (0..<packets).map { link.handle(bytes: bytes, now: Self.start + gap * $0) }
    }

    /// After the start of sending; nil for packets that don't arrive.
    private func arrivals(_ fates: [PacketFate]) -> [Duration?] {
        fates.map { fate in
            guard case .carried(let due, _) = fate else { return nil }
            return due - Self.start
        }
    }

    @Test("a perfect link carries everything at once")
    func perfect() {
        let fates = fates(LinkSettings(), packets: 3)
        #expect(fates.allSatisfy { if case .carried(_, isDoubled: false) = $0 { true } else { false } })
        #expect(arrivals(fates) == [.zero, .milliseconds(1), .milliseconds(2)])
    }

    @Test("a packet waits for those before it, takes its time on the link, and then the delay")
    func rateAndDelay() {
        var settings = LinkSettings()
        settings.rate = Bitrate(bitsPerSecond: 10_000_000)
        settings.delay = .milliseconds(20)
        // 1250 bytes take 1 ms; the fourth comes when the link has been free for long.
        var link = LinkEmulation(settings, seed: 1)
        let times: [Duration] = [.zero, .zero, .microseconds(1500), .milliseconds(10)]
        let fates = times.map { link.handle(bytes: 1250, now: Self.start + $0) }
        #expect(
            arrivals(fates) == [.milliseconds(21), .milliseconds(22), .milliseconds(23), .milliseconds(31)])
        #expect(link.deepestQueue == 2500)
    }

    @Test("UDP alone vanishes where that is asked for")
    func udpLoss() {
        var settings = LinkSettings()
        settings.udpLoss = 1
        var link = LinkEmulation(settings, seed: 1)
        #expect(link.handle(bytes: 1500, now: Self.start, isUDP: true) == .lostAtRandom)
        #expect(link.handle(bytes: 1500, now: Self.start) == .carried(due: Self.start, isDoubled: false))
    }

    @Test("UDP beyond its rate vanishes, and nothing else does")
    func udpRate() {
        var settings = LinkSettings()
        settings.udpRate = Bitrate(bitsPerSecond: 8_000_000)
        var link = LinkEmulation(settings, seed: 1)
        // 1000 bytes are worth a millisecond; ten times as much is sent for a second.
        var passed = 0
        for packet in 0..<10_000 {
            let fate = link.handle(bytes: 1000, now: Self.start + .microseconds(100) * packet, isUDP: true)
            if fate != .policed { passed += 1 }
        }
        #expect(passed == 1000 + LinkSettings.udpBurst / 1000 - 1)
        #expect(link.handle(bytes: 1000, now: Self.start + .seconds(1)) != .policed)
    }

    @Test("what doesn't fit into the queue is dropped, until there is room again")
    func queue() {
        var settings = LinkSettings()
        settings.rate = Bitrate(bitsPerSecond: 12_000_000)
        settings.queueLimit = 4500
        // 1500 bytes take 1 ms.
        var link = LinkEmulation(settings, seed: 1)
        let burst = (0..<5).map { _ in link.handle(bytes: 1500, now: Self.start) }
        #expect(arrivals(burst) == [.milliseconds(1), .milliseconds(2), .milliseconds(3), nil, nil])
        #expect(burst.last == .droppedByQueue)
        let later = (0..<2).map { _ in link.handle(bytes: 1500, now: Self.start + .milliseconds(1)) }
        #expect(arrivals(later) == [.milliseconds(4), nil])
        // A smaller one finds room where a full one doesn't.
        #expect(link.handle(bytes: 700, now: Self.start + .microseconds(1500)) != .droppedByQueue)
        #expect(link.deepestQueue == 4500)
    }

    @Test("the share asked for is lost, by the seed and the packet's number alone")
    func loss() {
        var settings = LinkSettings()
        settings.loss = 0.01
        let lost = lostPackets(fates(settings, seed: 7, packets: 100_000))
        // Binomial: 1000 expected, standard deviation 31.
        #expect(900...1100 ~= lost.count)
        #expect(lost == lostPackets(fates(settings, seed: 7, packets: 100_000)))
        #expect(lost != lostPackets(fates(settings, seed: 8, packets: 100_000)))

        settings.rate = Bitrate(bitsPerSecond: 6_000_000)
        settings.queueLimit = 3000
        settings.jitter = .milliseconds(3)
        settings.duplication = 0.1
        let narrow = fates(settings, seed: 7, packets: 100_000)
        #expect(narrow.contains(.droppedByQueue))
        #expect(lost == lostPackets(narrow))
    }

    @Test("spared packets share the link, and change nothing about the others' luck")
    func spared() {
        var settings = LinkSettings()
        settings.rate = Bitrate(bitsPerSecond: 120_000_000)
        settings.loss = 0.05
        settings.duplication = 0.05
        var alone = LinkEmulation(settings, seed: 3)
        var shared = LinkEmulation(settings, seed: 3)
        for number in 0..<5000 {
            let now = Self.start + .milliseconds(1) * number
            #expect(
                shared.handle(bytes: 1500, now: now, isSpared: true)
                    == .carried(due: now + .microseconds(100), isDoubled: false))
            let fates = [alone.handle(bytes: 1500, now: now), shared.handle(bytes: 1500, now: now)]
            switch (fates[0], fates[1]) {
            case (.carried(let first, let isDoubled), .carried(let second, let isDoubledToo)):
                #expect(second - first == .microseconds(100) && isDoubled == isDoubledToo)
            default: #expect(fates[0] == fates[1])
            }
        }
    }

    private func lostPackets(_ fates: [PacketFate]) -> [Int] { fates.indices.filter { fates[$0] == .lostAtRandom } }

    @Test("all or nothing is lost at the ends of the scale", arguments: [0.0, 1.0])
    func certainties(share: Double) {
        var settings = LinkSettings()
        settings.loss = share
        #expect(lostPackets(fates(settings, packets: 1000)).count == Int(share * 1000))
    }

    @Test("runs of losses start as often and last as long as asked for")
    func bursts() {
        var settings = LinkSettings()
        settings.bursts = LinkSettings.Bursts(start: 0.002, meanLength: 8)
        let isLost = fates(settings, packets: 200_000).map { $0 == .lostInBurst }
        let starts = zip([false] + isLost, isLost).count { !$0 && $1 }
        let lost = isLost.count { $0 }
        // 200,000 packets in cycles of 500 good and 8 bad ones on average: 394 runs, standard deviation about 20.
        #expect(330...460 ~= starts)
        #expect(6.5...9.5 ~= Double(lost) / Double(starts))
    }

    @Test("jitter delays by up to its size and keeps the order")
    func jitter() {
        var settings = LinkSettings()
        settings.delay = .milliseconds(10)
        settings.jitter = .milliseconds(4)
        let arrivals = arrivals(fates(settings, packets: 5000, gap: .microseconds(100))).compactMap(\.self)
        #expect(arrivals == arrivals.sorted())
        let delays = arrivals.enumerated().map { $1 - .microseconds(100) * $0 }
        #expect(delays.allSatisfy { Duration.milliseconds(10)...Duration.milliseconds(14) ~= $0 })
        #expect((delays.max() ?? .zero) > .milliseconds(13))
        #expect((delays.min() ?? .zero) < .milliseconds(12))
    }

    @Test("packets that are held back come late, and hold nothing else up")
    func reordering() {
        var settings = LinkSettings()
        settings.reordering = 0.05
        settings.holdBack = .milliseconds(30)
        let delays = arrivals(fates(settings, packets: 10_000)).enumerated().map { ($1 ?? .zero) - .milliseconds($0) }
        let late = delays.count { $0 == .milliseconds(30) }
        #expect(late + delays.count { $0 == .zero } == 10_000)
        #expect(400...600 ~= late)  // 500, standard deviation 22
    }

    @Test("the share asked for is doubled")
    func duplication() {
        var settings = LinkSettings()
        settings.duplication = 0.02
        let doubled = fates(settings, packets: 10_000).count {
            if case .carried(_, isDoubled: true) = $0 { true } else { false }
        }
        #expect(150...250 ~= doubled)  // 200, standard deviation 14
    }
}
