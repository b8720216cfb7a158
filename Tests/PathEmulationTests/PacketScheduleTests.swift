import QrateMeasurement
import QratePathEmulation
import QrateTestSupport
import Testing

@Suite("packets on their way") struct PacketScheduleTests {
    private func entry(_ due: UInt64, _ number: UInt64, isCopy: Bool = false) -> PacketSchedule.Entry {
        PacketSchedule.Entry(
            due: MonotonicTime(nanoseconds: due), number: number, isCopy: isCopy, slot: 0, bytes: 100, isData: true)
    }

    @Test("come out by their time, and at the same time in the order in which they went in")
    func order() {
        var random = SplitMix64(seed: 4)
        var schedule = PacketSchedule(capacity: 16)
        let dues = (0..<2000).map { _ in UInt64.random(in: 0..<300, using: &random) }
        for (number, due) in dues.enumerated() { schedule.insert(entry(due, UInt64(number))) }
        #expect(schedule.nextDue == dues.min().map { MonotonicTime(nanoseconds: $0) })

        var numbers: [UInt64] = []
        for now in 0..<300 as Range<UInt64> {
            while let next = schedule.takeDue(now: MonotonicTime(nanoseconds: now)) {
                #expect(next.due == MonotonicTime(nanoseconds: now))
                numbers.append(next.number)
            }
        }
        #expect(numbers == dues.indices.sorted { (dues[$0], $0) < (dues[$1], $1) }.map { UInt64($0) })
        #expect(schedule.count == 0 && schedule.nextDue == .never)
    }

    @Test("a copy follows its original")
    func copies() {
        var schedule = PacketSchedule(capacity: 4)
        schedule.insert(entry(5, 1, isCopy: true))
        schedule.insert(entry(5, 1))
        schedule.insert(entry(5, 2))
        let now = MonotonicTime(nanoseconds: 5)
        #expect(schedule.takeDue(now: MonotonicTime(nanoseconds: 4))?.number == nil)
        let taken = (0..<3).compactMap { _ in schedule.takeDue(now: now) }
        #expect(taken.map(\.number) == [1, 1, 2])
        #expect(taken.map(\.isCopy) == [false, true, false])
    }

    @Test("counters tell overtaken packets and copies apart, and their sum holds")
    func counters() {
        var counters = LinkCounters()
        let due = PacketFate.carried(due: .never, isDoubled: false)
        for fate in [due, due, due, due, .lostAtRandom, .lostInBurst, .droppedByQueue, due, due] {
            counters.countReceived(bytes: 10, fate)
        }
        // The second is held back, the fourth comes twice, a fifth finds no room.
        for number in [1, 3, 4] as [UInt64] { counters.countSent(bytes: 10, number: number, isCopy: false) }
        counters.countSent(bytes: 10, number: 4, isCopy: true)
        counters.countSent(bytes: 10, number: 2, isCopy: false)
        counters.countOverrun()
        #expect(counters.received == 9 && counters.receivedBytes == 90)
        #expect(counters.sent == 4 && counters.sentBytes == 40)
        #expect(counters.duplicated == 1)
        #expect(counters.reordered == 1)
        #expect(counters.lost == 3)
        #expect(counters.overruns == 1)
        #expect(counters.waiting == 1)
        #expect(counters.received == counters.sent + counters.lost + counters.overruns + counters.waiting)
    }
}
