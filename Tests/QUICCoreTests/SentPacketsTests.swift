@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("SentPackets") struct SentPacketsTests {
    /// The record behind a reference, because the testing macros copy what they look at.
    private final class Subject {
        private var packets = SentPackets()
        var now: UInt64 = 1 << 40

        func send(_ count: Int, eliciting: Bool = true, marked: Bool = false) {
            for _ in 0..<count {
                let number = packets.next
                packets.add(number, isAckEliciting: eliciting, now: now)
                if marked { packets.mark(from: number) }
            }
        }

        func skip(to number: UInt64) { packets.add(number, isAckEliciting: true, now: now) }

        /// An ACK frame of these ranges, the largest first.
        var hasGap: Bool { packets.hasGap }
        func settle(sentBefore limit: UInt64) { packets.settle(sentBefore: limit) }

        func acknowledge(_ ranges: ClosedRange<UInt64>...) -> [Int] { acknowledge(ranges) }

        func acknowledge(_ ranges: [ClosedRange<UInt64>]) -> [Int] {
            var news = SentPackets.News()
            for range in ranges { packets.acknowledge(range.lowerBound, range.upperBound, &news) }
            packets.settle(largest: ranges.first?.upperBound ?? 0, news)
            return [news.packets, news.marked, news.late]
        }
    }

    @Test("each packet is acknowledged once")
    func once() {
        let subject = Subject()
        subject.send(200)
        #expect(subject.acknowledge(0...9) == [10, 0, 0])
        #expect(subject.acknowledge(0...9) == [0, 0, 0])
        #expect(subject.acknowledge(5...130) == [121, 0, 0])
        #expect(subject.acknowledge(0...199) == [69, 0, 0])
    }

    @Test("only marked packets count as marked, and only ack-eliciting ones at all")
    func kinds() {
        let subject = Subject()
        subject.send(5, marked: true)
        subject.send(5)
        subject.send(5, eliciting: false, marked: true)
        #expect(subject.acknowledge(0...14) == [10, 5, 0])
    }

    @Test("a packet that is acknowledged when much later ones were is late")
    func late() {
        let subject = Subject()
        subject.send(8)
        #expect(subject.acknowledge(4...7, 0...2) == [7, 0, 0], "3 is missing: 7 is 4 later, with 1 in flight")
        #expect(subject.acknowledge(0...7) == [1, 0, 1])
        #expect(subject.acknowledge(0...7) == [0, 0, 0])
    }

    @Test("a packet overtaken by less than the threshold is just that")
    func overtaken() {
        let subject = Subject()
        subject.send(3)
        #expect(subject.acknowledge(1...2) == [2, 0, 0])
        #expect(subject.acknowledge(0...2) == [1, 0, 0])
    }

    @Test("the threshold grows with what is in flight, up to 256")
    func threshold() {
        let subject = Subject()
        subject.send(1000)
        #expect(subject.acknowledge(1...250) == [250, 0, 0])
        #expect(subject.acknowledge(0...250) == [1, 0, 0], "250 later isn't enough with 749 in flight")
        #expect(subject.acknowledge(252...508, 0...250) == [257, 0, 0])
        #expect(subject.acknowledge(251...508) == [1, 0, 1])
    }

    @Test("a packet sent long before one that was acknowledged is late, too")
    func lateByTime() {
        let subject = Subject()
        subject.send(16)
        subject.now += 1_000_000
        let first = subject.now
        subject.send(16)
        subject.now += 1_000_000
        subject.send(100)
        #expect(!subject.hasGap)
        #expect(subject.acknowledge(20...40, 5...15, 0...3) == [36, 0, 0])
        #expect(subject.hasGap, "4 and 16...19 are missing")
        subject.settle(sentBefore: first - 10_000)
        #expect(subject.hasGap)
        #expect(subject.acknowledge(0...40) == [5, 0, 1])
        #expect(!subject.hasGap)
        subject.settle(sentBefore: .max >> 1)
        #expect(subject.acknowledge(0...131) == [91, 0, 0], "none of these comes before one that was acknowledged")
    }

    @Test("what was never sent can't be acknowledged")
    func future() {
        let subject = Subject()
        #expect(subject.acknowledge(0...0) == [0, 0, 0])
        subject.send(10)
        #expect(subject.acknowledge(0...10) == [0, 0, 0])
        #expect(subject.acknowledge(0...((1 << 62) - 1)) == [0, 0, 0])
        #expect(subject.acknowledge(0...9) == [10, 0, 0])
    }

    @Test("numbers that are left out were never sent")
    func gaps() {
        let subject = Subject()
        subject.send(10)
        subject.skip(to: 200)
        #expect(subject.acknowledge(0...200) == [11, 0, 0])
    }

    @Test("what is too old is forgotten, and what is known stays exact")
    func capacity() {
        let subject = Subject()
        let capacity = UInt64(SentPackets.capacity)
        subject.send(SentPackets.capacity + 100, marked: true)
        // The oldest two words made room.
        #expect(
            subject.acknowledge(0...capacity + 99) == [SentPackets.capacity + 100 - 128, SentPackets.capacity - 28, 0])
        subject.send(10)
        #expect(subject.acknowledge(capacity + 100...capacity + 109) == [10, 0, 0])
    }

    @Test("as a plain list would say it", arguments: 1...8 as ClosedRange<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let subject = Subject()
        var unacknowledged: [UInt64: Bool] = [:]
        var next: UInt64 = 0
        for _ in 0..<400 {
            for _ in 0..<Int.random(in: 1...300, using: &random) {
                let isEliciting = Int.random(in: 0..<5, using: &random) > 0
                let isMarked = Bool.random(using: &random)
                subject.send(1, eliciting: isEliciting, marked: isMarked)
                if isEliciting { unacknowledged[next] = isMarked }
                next += 1
            }
            // Some ranges near the newest, from the top down.
            var ranges: [ClosedRange<UInt64>] = []
            var top = next - 1 - UInt64.random(in: 0..<min(next, 100), using: &random)
            for _ in 0..<Int.random(in: 1...10, using: &random) {
                let length = min(top, UInt64.random(in: 0..<200, using: &random))
                ranges.append(top - length...top)
                let gap = UInt64.random(in: 2..<6, using: &random)
                guard top - length > gap + 300 else { break }
                top = top - length - gap
            }
            let hits = unacknowledged.filter { number, _ in ranges.contains { $0.contains(number) } }
            for (number, _) in hits { unacknowledged[number] = nil }
            let said = subject.acknowledge(ranges)
            // What lies so far back that it was taken for lost, with nothing lost since, can't come up here: no gap closes.
            #expect(said.prefix(2) == [hits.count, hits.count { $0.value }])
        }
    }
}
