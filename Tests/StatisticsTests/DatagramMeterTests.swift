import QrateMeasurement
import QrateStatistics
import QrateTestSupport
import Testing

@Suite("datagram meter") struct DatagramMeterTests {
    /// Records the numbers in this order, one each millisecond, sent one each millisecond in the order of numbers.
    private func meter(_ numbers: [UInt64], announced: UInt64? = nil) -> DatagramMeter {
        var meter = DatagramMeter()
        for (position, number) in numbers.enumerated() {
            _ = meter.record(sequence: number, timestamp: number &* 1000, at: .milliseconds(position))
        }
        if let announced { meter.announce(sent: announced) }
        return meter
    }

    @Test("datagrams in order are received, and that is all")
    func inOrder() {
        let meter = meter(Array(0..<1000), announced: 1000)
        #expect(counts(meter) == Counts(received: 1000))
        #expect(meter.isWhole)
    }

    @Test("losses at the beginning, in the middle and at the end count")
    func losses() {
        let meter = meter([2, 3, 4, 6, 7], announced: 10)
        #expect(counts(meter) == Counts(received: 5, lost: 5))
        #expect(!meter.isWhole)
    }

    @Test("losses at the end aren't known before the sender says how many it sent")
    func unknownTail() {
        #expect(counts(meter([0, 1, 2])) == Counts(received: 3))
        #expect(!meter([0, 1, 2]).isWhole)
    }

    @Test("a flow of which nothing came is lost as a whole, once that is known")
    func nothingCame() { #expect(counts(meter([], announced: 7)) == Counts(lost: 7)) }

    @Test("a late datagram takes its loss back, and counts as reordered")
    func late() {
        #expect(counts(meter([0, 1, 3, 4])) == Counts(received: 4, lost: 1))
        #expect(counts(meter([0, 1, 3, 4, 2])) == Counts(received: 5, reordered: 1))
    }

    @Test("what comes after the tail marker takes its loss back, and is in order")
    func afterTheTail() {
        var meter = meter([0, 1], announced: 3)
        #expect(counts(meter) == Counts(received: 2, lost: 1))
        _ = meter.record(sequence: 2, timestamp: 2000, at: .milliseconds(2))
        #expect(counts(meter) == Counts(received: 3))
        #expect(meter.isWhole)
    }

    @Test("a copy is a duplicate, whether in order or late, and neither loss nor reordering")
    func copies() {
        #expect(counts(meter([0, 0, 1, 2, 1, 0, 3])) == Counts(received: 4, duplicates: 3))
        // A late one that comes twice.
        #expect(counts(meter([0, 2, 1, 1])) == Counts(received: 3, duplicates: 1, reordered: 1))
    }

    @Test("a datagram is recognised as late as far back as the window, and not further")
    func windowEdge() {
        let last = DatagramMeter.window
        var meter = meter([])
        func record(_ number: UInt64) -> DatagramMeter.Outcome {
            meter.record(sequence: number, timestamp: 0, at: .milliseconds(0))
        }
        #expect(record(last) == .received(delayVariation: 0))
        #expect(record(1) == .received(delayVariation: 0))
        #expect(record(1) == .duplicate)
        #expect(record(0) == .beyondWindow)
        #expect(counts(meter) == Counts(received: 2, lost: Int64(last) - 1, duplicates: 1, reordered: 2))
    }

    @Test("a place of the window that is used again has forgotten what was there", arguments: [1, 63, 64, 65, 1000])
    func reusedPlaces(gap: UInt64) {
        var meter = meter(Array(0..<DatagramMeter.window + 100))
        let next = DatagramMeter.window + 100
        _ = meter.record(sequence: next + gap, timestamp: 0, at: .milliseconds(0))
        #expect(meter.lost == Int64(gap))
        for number in next..<next + gap {
            _ = meter.record(sequence: number, timestamp: 0, at: .milliseconds(0))
        }
        #expect(counts(meter) == Counts(received: next + gap + 1, reordered: gap))
    }

    @Test("counts agree with a model that remembers everything", arguments: 1...20)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var model = Model()
        var meter = DatagramMeter()
        for number in disturbed(&random) {
            model.record(number)
            _ = meter.record(sequence: number, timestamp: number, at: .milliseconds(0))
        }
        meter.announce(sent: 5000)
        #expect(counts(meter) == model.counts(sent: 5000))
    }

    /// 5000 numbers: some dropped, some doubled, some moved back by up to 300 places.
    private func disturbed(_ random: inout SplitMix64) -> [UInt64] {
        var arrivals: [(place: UInt64, number: UInt64)] = []
        for number in UInt64(0)..<5000 {
            if random.next() % 20 == 0 { continue }
            for _ in 0..<(random.next() % 25 == 0 ? 3 : 1) {
                let delay = random.next() % 10 == 0 ? random.next() % 300 : 0
                arrivals.append((number + delay, number))
            }
        }
        return arrivals.sorted { ($0.place, $0.number) < ($1.place, $1.number) }.map(\.number)
    }

    // MARK: Hostile numbers

    @Test("numbers that can't be true aren't counted", arguments: [1 << 32, 1 << 63, .max, .max - 1] as [UInt64])
    func implausible(number: UInt64) {
        var meter = meter([])
        let outcome = meter.record(sequence: number, timestamp: 0, at: .milliseconds(1))
        #expect(outcome == .implausible)
        meter.announce(sent: number)
        _ = meter.record(sequence: 0, timestamp: 0, at: .milliseconds(2))
        #expect(counts(meter) == Counts(received: 1))
    }

    @Test("a flood of random numbers and times neither traps nor makes a count larger than what it counts")
    func flood() {
        var random = SplitMix64(seed: 42)
        var meters = DatagramMeters(flows: 1)
        var counted: UInt64 = 0
        for _ in 0..<50_000 {
            let number = random.next() >> (random.next() % 64)
            let at = MonotonicTime(nanoseconds: random.next())
            if meters.record(flow: 0, sequence: number, timestamp: random.next(), at: at) { counted += 1 }
            if random.next() % 1000 == 0 { meters.announce(flow: 0, sent: random.next()) }
            if random.next() % 5000 == 0 { _ = meters.endRow(isWarmUp: false) }
            meters.noteReceiveBufferDrops(flow: 0, counter: UInt32(truncatingIfNeeded: random.next()))
        }
        let totals = meters.totals()
        #expect(totals.received == counted)
        #expect(totals.duplicates + totals.reordered <= 50_000)
        #expect(totals.lost >= 0)
    }

    @Test("numbers that leave the largest gap again and again are counted exactly")
    func climbing() {
        var meter = DatagramMeter()
        var number: UInt64 = 0
        for _ in 0..<100 {
            number = number &+ (1 << 32) &- 1
            _ = meter.record(sequence: number, timestamp: 0, at: .milliseconds(0))
            number += 1
        }
        #expect(meter.received == 100)
        #expect(meter.lost == Int64(number) - 100)
    }

    // MARK: Time

    @Test("an even flow has no jitter, whatever the distance of the clocks")
    func noJitter() {
        var meter = DatagramMeter()
        #expect(meter.jitter == nil)
        for number in UInt64(0)..<100 {
            _ = meter.record(sequence: number, timestamp: .max - 500 &+ number &* 1000, at: .milliseconds(Int(number)))
        }
        #expect(meter.jitter == .zero)
        #expect(meter.maxJitter == .zero)
    }

    @Test("jitter is RFC 3550's running mean of the changes of transit time")
    func jitter() {
        var meter = DatagramMeter()
        // Transit times in milliseconds: 0, 16, 16, 0.
        for (number, transit) in [0, 16, 16, 0].enumerated() {
            _ = meter.record(
                sequence: UInt64(number), timestamp: UInt64(number) * 1000, at: .milliseconds(number + transit))
        }
        var expected = 0.0
        for change in [16e6, 0, 16e6] { expected += (change - expected) / 16 }
        #expect(meter.jitter == .nanoseconds(Int64(expected)))
        #expect(meter.maxJitter == .nanoseconds(Int64(expected)))
        _ = meter.record(sequence: 4, timestamp: 4000, at: .milliseconds(4))
        let later = expected - expected / 16
        #expect(meter.jitter == .nanoseconds(Int64(later)))
        #expect(meter.maxJitter == .nanoseconds(Int64(expected)))
    }

    @Test("of datagrams that arrive in one piece, only the first says something about the jitter")
    func jitterOfRuns() {
        var single = DatagramMeter(), merged = DatagramMeter()
        for (run, transit) in [0, 3, 1, 7].enumerated() {
            let sent = UInt64(run) * 10_000, arrival = MonotonicTime.milliseconds(run * 10 + transit)
            _ = single.record(sequence: UInt64(run), timestamp: sent, at: arrival)
            for place in UInt64(0)..<40 {
                _ = merged.record(sequence: UInt64(run) * 40 + place, timestamp: sent + place, at: arrival)
            }
        }
        #expect(merged.jitter == single.jitter)
        #expect(merged.received == 160)
    }

    @Test("delay variation is what a datagram took longer than the fastest so far")
    func delayVariation() {
        var meter = DatagramMeter()
        let outcomes = [5, 9, 2, 4].enumerated().map { number, transit in
            meter.record(
                sequence: UInt64(number), timestamp: UInt64(number) * 1000, at: .milliseconds(number + transit))
        }
        #expect(outcomes == [0, 4_000_000, 0, 2_000_000].map { .received(delayVariation: $0) })
    }
}

@Suite("datagram meters") struct DatagramMetersTests {
    @Test("several flows are summed, and their jitters averaged")
    func merging() {
        var meters = DatagramMeters(flows: 2)
        func record(_ flow: Int, _ number: UInt64, at milliseconds: Int = 0) -> Bool {
            meters.record(flow: flow, sequence: number, timestamp: number * 1000, at: .milliseconds(milliseconds))
        }
        let isNew =
            [0, 1, 3].map { record(0, $0, at: Int($0)) } + [0, 2, 1].map { record(1, $0, at: Int($0) * 16) }
            + [record(1, 1), record(2, 0)]
        #expect(isNew == [true, true, true, true, true, true, false, false])
        meters.announce(flow: 0, sent: 5)
        meters.announce(flow: 1, sent: 3)
        let totals = meters.totals()
        #expect(totals.received == 6)
        #expect(totals.lost == 2)
        #expect(totals.duplicates == 1)
        #expect(totals.reordered == 1)
        #expect(!meters.isWhole(flow: 0))
        #expect(meters.isWhole(flow: 1))
        #expect(meters.progress(flow: 0) == (received: 3, lost: 2))
        #expect((totals.maxJitter ?? .zero) > (totals.jitter ?? .zero))
    }

    @Test("rows hold what grew, a late datagram is taken back in the row in which it came, and the rows add up")
    func rows() {
        var meters = DatagramMeters(flows: 1)
        func record(_ numbers: [UInt64]) {
            for number in numbers {
                _ = meters.record(flow: 0, sequence: number, timestamp: 0, at: .milliseconds(0))
            }
        }
        record([0, 1, 3])
        let first = meters.endRow(isWarmUp: false)
        #expect(counts(first) == Counts(received: 3, lost: 1))
        let empty = meters.endRow(isWarmUp: false)
        #expect(counts(empty) == Counts())
        record([2, 4, 4])
        let third = meters.endRow(isWarmUp: false)
        #expect(counts(third) == Counts(received: 2, lost: -1, duplicates: 1, reordered: 1))
        #expect(counts(meters.totals()) == Counts(received: 5, duplicates: 1, reordered: 1))
    }

    @Test("the warm-up is left out of the totals, and what comes after the last row is in")
    func warmUp() {
        var meters = DatagramMeters(flows: 1)
        func record(_ number: UInt64, delay: Int) {
            _ = meters.record(flow: 0, sequence: number, timestamp: 0, at: .milliseconds(delay))
        }
        record(0, delay: 0)
        record(2, delay: 900)
        _ = meters.endRow(isWarmUp: true)
        record(3, delay: 1)
        record(4, delay: 2)
        _ = meters.endRow(isWarmUp: false)
        record(6, delay: 3)
        let totals = meters.totals()
        #expect(counts(totals) == Counts(received: 3, lost: 1))
        // 900 ms were seen in the warm-up alone.
        #expect(totals.delayVariation?.median == .milliseconds(2))
        #expect(totals.delayVariation.map { $0.maximum < .milliseconds(4) } == true)
    }

    @Test("percentiles of delay variation agree with known truth within a thousandth")
    func percentiles() throws {
        var meters = DatagramMeters(flows: 1)
        // The fastest first, then 1 to 1000 ms longer in a shuffled order.
        var random = SplitMix64(seed: 7)
        for (number, delay) in ([0] + (1...1000).shuffled(using: &random)).enumerated() {
            _ = meters.record(flow: 0, sequence: UInt64(number), timestamp: 0, at: .milliseconds(delay))
        }
        let variation = try #require(meters.totals().delayVariation)
        for (value, truth) in [(variation.median, 500.0), (variation.percentile95, 950), (variation.percentile99, 990)]
        {
            #expect(abs(value.milliseconds - truth) <= 2)
        }
        #expect(abs(variation.maximum.milliseconds - 1000) <= 1)
    }

    @Test("drops of the kernel are differences of a counter that wraps, and absent until it says something")
    func kernelDrops() {
        var meters = DatagramMeters(flows: 2)
        #expect(meters.totals().receiveBufferDrops == nil)
        meters.noteReceiveBufferDrops(flow: 0, counter: 0)
        #expect(meters.endRow(isWarmUp: false).receiveBufferDrops == 0)
        meters.noteReceiveBufferDrops(flow: 0, counter: .max)
        meters.noteReceiveBufferDrops(flow: 0, counter: 4)
        meters.noteReceiveBufferDrops(flow: 1, counter: 3)
        #expect(meters.endRow(isWarmUp: false).receiveBufferDrops == UInt64(UInt32.max) + 5 + 3)
        #expect(meters.endRow(isWarmUp: false).receiveBufferDrops == 0)
        #expect(meters.totals().receiveBufferDrops == UInt64(UInt32.max) + 8)
    }
}

// MARK: -

/// The four counts.
private struct Counts: Equatable {
    var received: UInt64 = 0
    var lost: Int64 = 0
    var duplicates: UInt64 = 0
    var reordered: UInt64 = 0
}

private func counts(_ meter: DatagramMeter) -> Counts {
    Counts(received: meter.received, lost: meter.lost, duplicates: meter.duplicates, reordered: meter.reordered)
}

private func counts(_ report: DatagramReport) -> Counts {
    Counts(received: report.received, lost: report.lost, duplicates: report.duplicates, reordered: report.reordered)
}

/// What the counts mean, word for word.
private struct Model {
    private var seen: Set<UInt64> = []
    private var highest: UInt64?
    private var duplicates: UInt64 = 0
    private var reordered: UInt64 = 0

    mutating func record(_ number: UInt64) {
        if seen.contains(number) {
            duplicates += 1
        } else if let highest = highest, number < highest {
            reordered += 1
        }
        seen.insert(number)
        highest = max(highest ?? 0, number)
    }

    func counts(sent: UInt64) -> Counts {
        Counts(
            received: UInt64(seen.count), lost: Int64(sent) - Int64(seen.count), duplicates: duplicates,
            reordered: reordered)
    }
}

extension MonotonicTime {
    /// Some time after an arbitrary origin.
    fileprivate static func milliseconds(_ value: Int) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000_000 + UInt64(value) * 1_000_000)
    }
}
