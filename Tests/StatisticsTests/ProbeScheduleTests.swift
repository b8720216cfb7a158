import QrateMeasurement
import QrateStatistics
import Testing

@Suite("the schedule of probes") struct ProbeScheduleTests {
    private static let second = 1_000_000_000 as UInt64

    private func at(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: Self.second + milliseconds * 1_000_000)
    }

    private func due(_ schedule: inout ProbeSchedule, _ now: UInt64) -> [MonotonicTime] {
        var all: [MonotonicTime] = []
        while let one = schedule.pollDue(now: at(now)) { all.append(one) }
        return all
    }

    @Test("probes are meant for equal distances from the start") func equalDistances() {
        var schedule = ProbeSchedule(every: .milliseconds(20), from: at(0))
        #expect(schedule.next == at(0))
        #expect(due(&schedule, 0) == [at(0)])
        #expect(schedule.next == at(20))
        #expect(due(&schedule, 19) == [])
        #expect(due(&schedule, 21) == [at(20)])
        #expect(schedule.next == at(40))
    }

    @Test("a stall leaves no probe out and moves none") func stall() {
        var schedule = ProbeSchedule(every: .milliseconds(20), from: at(0))
        #expect(due(&schedule, 110) == [at(0), at(20), at(40), at(60), at(80), at(100)])
        #expect(schedule.next == at(120))
    }

    @Test("a counted schedule ends by itself") func counted() {
        var schedule = ProbeSchedule(every: .milliseconds(50), from: at(0), count: 3)
        #expect(due(&schedule, 500) == [at(0), at(50), at(100)])
        #expect(schedule.next == .never)
        #expect(due(&schedule, 1000) == [])
    }

    @Test("what was due at the end is still sent, and nothing after") func end() {
        var schedule = ProbeSchedule(every: .milliseconds(20), from: at(0))
        #expect(due(&schedule, 0) == [at(0)])
        schedule.end(at: at(45))
        schedule.end(at: at(90))
        #expect(due(&schedule, 200) == [at(20), at(40)])
        #expect(schedule.next == .never)
    }

    @Test("nothing is due in a pause, and the schedule goes on behind it") func pause() {
        var schedule = ProbeSchedule(every: .milliseconds(20), from: at(0))
        #expect(due(&schedule, 0) == [at(0)])
        schedule.setPaused(true, at: at(25))
        schedule.setPaused(true, at: at(30))
        // That one was due before the pause.
        #expect(due(&schedule, 60) == [at(20)])
        #expect(schedule.next == .never)
        schedule.setPaused(false, at: at(125))
        #expect(schedule.next == at(140))
        #expect(due(&schedule, 165) == [at(140), at(160)])
    }

    @Test("a schedule that ended in a pause stays ended") func endInPause() {
        var schedule = ProbeSchedule(every: .milliseconds(20), from: at(0))
        schedule.setPaused(true, at: at(10))
        schedule.end(at: at(50))
        schedule.setPaused(false, at: at(60))
        #expect(due(&schedule, 500) == [at(0)])
        #expect(schedule.next == .never)
    }
}
