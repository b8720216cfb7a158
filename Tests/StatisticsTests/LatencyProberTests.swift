import QrateMeasurement
import QrateStatistics
import Testing

@Suite("a series of latency probes") struct LatencyProberTests {
    private static let origin = 5_000_000_000 as UInt64

    private func at(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: Self.origin + milliseconds * 1_000_000)
    }

    /// The server's clock, which agrees with nobody's: it wraps around in the middle of a test.
    private func server(_ milliseconds: UInt64) -> UInt64 { UInt64.max - 30_000_000 &+ milliseconds &* 1_000_000 }

    /// Sends everything that is due, and answers it `way` later each way.
    private func exchange(_ prober: inout LatencyProber, _ now: UInt64, ways: (up: UInt64, down: UInt64)) {
        while let sequence = prober.pollProbe(now: at(now)) {
            prober.handleAnswer(
                sequence: sequence, receivedByPeer: server(now + ways.up), now: at(now + ways.up + ways.down))
        }
    }

    private func isNear(_ duration: Duration?, _ milliseconds: Double) -> Bool {
        // A histogram's buckets are a thousandth wide.
        duration.map { abs($0.milliseconds - milliseconds) <= milliseconds / 500 } ?? false
    }

    @Test("idle and loaded round trips are told apart and compared") func comparison() throws {
        var prober = LatencyProber()
        prober.begin(.idle, from: at(0))
        for probe in 0..<20 as Range<UInt64> { exchange(&prober, probe * 50, ways: (10, 10)) }
        #expect(prober.nextDue == .never)
        prober.begin(.loaded, from: at(2000), lasting: .seconds(2))
        for probe in 0..<100 as Range<UInt64> { exchange(&prober, 2000 + probe * 20, ways: (40, 10)) }
        #expect(prober.nextDue == .never)

        let figures = prober.comparison
        #expect(figures.idle.sent == 20 && figures.idle.answered == 20 && figures.idle.lost == 0)
        #expect(figures.loaded.sent == 100 && figures.loaded.lost == 0)
        #expect(isNear(figures.baseline, 20))
        #expect(isNear(figures.loaded.roundTrips?.percentile99, 50))
        #expect(isNear(figures.percentile95Increase, 30))
        #expect(abs(try #require(figures.bufferDelayRatio) - 1.5) < 0.01)
        #expect(abs(try #require(figures.roundTripsPerMinute) - 1200) < 5)
    }

    @Test("a direction's queue shows in its own variation, whatever the clocks say") func variation() {
        var prober = LatencyProber()
        prober.begin(.idle, from: at(0))
        for probe in 0..<20 as Range<UInt64> { exchange(&prober, probe * 50, ways: (10, 15)) }
        prober.begin(.loaded, from: at(2000), lasting: .seconds(1))
        for probe in 0..<50 as Range<UInt64> { exchange(&prober, 2000 + probe * 20, ways: (35, 15)) }
        let loaded = prober.comparison.loaded
        #expect(isNear(loaded.uploadVariation?.median, 25))
        #expect(loaded.downloadVariation?.maximum == .zero)
    }

    @Test("a probe that was sent late counts from when it was to be sent") func coordinatedOmission() {
        var prober = LatencyProber()
        prober.begin(.loaded, from: at(0), lasting: .milliseconds(200))
        exchange(&prober, 0, ways: (1, 1))
        // Nobody ran for 190 ms: nine probes go out at once, each with the time that it waited.
        exchange(&prober, 190, ways: (1, 1))
        let loaded = prober.comparison.loaded
        #expect(loaded.sent == 10 && loaded.answered == 10)
        #expect(isNear(loaded.roundTrips?.minimum, 2))
        #expect(isNear(loaded.roundTrips?.maximum, 172))
        #expect(isNear(loaded.roundTrips?.mean, (2 + 172 + 152 + 132 + 112 + 92 + 72 + 52 + 32 + 12) / 10))
    }

    @Test("probes without an answer are counted, and in no percentile") func lost() {
        var prober = LatencyProber()
        prober.begin(.loaded, from: at(0), lasting: .seconds(2))
        while let sequence = prober.pollProbe(now: at(1990)) {
            guard sequence.isMultiple(of: 4) else { continue }
            prober.handleAnswer(sequence: sequence, receivedByPeer: server(1995), now: at(2000))
        }
        let loaded = prober.comparison.loaded
        #expect(loaded.sent == 100 && loaded.answered == 25 && loaded.lost == 75)
        #expect(loaded.roundTrips?.percentile95 != nil && loaded.roundTrips?.percentile99 == nil)
    }

    @Test("an answer counts once, for a probe that was sent, however late") func answers() {
        var prober = LatencyProber()
        prober.handleAnswer(sequence: 0, receivedByPeer: 0, now: at(0))
        prober.begin(.idle, from: at(0))
        let first = prober.pollProbe(now: at(0))
        #expect(first == 0)
        prober.begin(.loaded, from: at(1000))
        _ = prober.pollProbe(now: at(1000))
        for sequence in [0, 0, 1, 2, 4096, .max] as [UInt64] {
            prober.handleAnswer(sequence: sequence, receivedByPeer: .max, now: at(1500))
            prober.handleAnswer(sequence: sequence, receivedByPeer: 0, now: at(1500))
        }
        // The idle one stays idle although its answer came under load.
        #expect(prober.comparison.idle.answered == 1)
        #expect(isNear(prober.comparison.idle.roundTrips?.maximum, 1500))
        #expect(prober.comparison.loaded.answered == 1)
    }

    @Test("an answer to one that is forgotten changes nothing") func forgotten() {
        var prober = LatencyProber()
        prober.begin(.loaded, from: at(0))
        var count = 0
        while prober.pollProbe(now: at(100_000)) != nil { count += 1 }
        #expect(count == 5001)
        prober.handleAnswer(sequence: 0, receivedByPeer: 0, now: at(100_000))
        #expect(prober.comparison.loaded.answered == 0)
        prober.handleAnswer(sequence: 5000, receivedByPeer: 0, now: at(100_010))
        #expect(prober.comparison.loaded.answered == 1)
    }

    @Test("it is settled once all answers are in, or can't be expected any more") func settling() {
        var prober = LatencyProber()
        #expect(prober.isSettled(now: at(0)))
        prober.begin(.loaded, from: at(0))
        #expect(!prober.isSettled(now: at(0)))
        let first = prober.pollProbe(now: at(0))
        let second = prober.pollProbe(now: at(20))
        prober.end(at: at(30))
        #expect(!prober.isSettled(now: at(30)))
        #expect(prober.settles(now: at(30)) == at(3020))
        prober.handleAnswer(sequence: second ?? 9, receivedByPeer: 0, now: at(40))
        #expect(prober.settles(now: at(40)) == at(3000))
        #expect(prober.isSettled(now: at(3000)))
        prober.handleAnswer(sequence: first ?? 9, receivedByPeer: 0, now: at(3001))
        #expect(prober.comparison.loaded.answered == 2)
    }

    @Test("a probe that nobody sends isn't waited for without end") func unsent() {
        var prober = LatencyProber()
        prober.begin(.loaded, from: at(0), lasting: .milliseconds(20))
        #expect(prober.settles(now: at(0)) == at(3000))
        #expect(prober.isSettled(now: at(3000)))
        #expect(prober.comparison.loaded.sent == 0)
    }

    @Test("without answers nothing is compared") func nothing() {
        var prober = LatencyProber()
        prober.begin(.idle, from: at(0))
        while prober.pollProbe(now: at(950)) != nil {}
        let figures = prober.comparison
        #expect(figures.idle.lost == 20 && figures.idle.roundTrips == nil)
        #expect(figures.bufferDelayRatio == nil && figures.roundTripsPerMinute == nil && figures.meanIncrease == nil)
    }
}
