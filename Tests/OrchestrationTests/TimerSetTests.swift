import QrateTestSupport
import Testing

@testable import QrateOrchestration

@Suite("a loop's timers", .timeLimit(.minutes(1))) struct TimerSetTests {
    private let clock = ManualClock()
    private let rings = EventLog<TimerSet.Ring>()

    private func rung(_ name: TimerName) async -> TimerSet.Ring? {
        await rings.wait { $0.name == name }
        return rings.all.last { $0.name == name }
    }

    @Test("a timer rings once")
    func once() async throws {
        var timers = TimerSet(Timekeeper(clock)) { [rings] in rings.add($0) }
        timers.set(.idle, after: .seconds(30))
        await clock.pass(.seconds(30))
        let ring = try #require(await rung(.idle))
        let takes = [timers.take(ring), timers.take(ring)]
        #expect(takes == [true, false])
    }

    @Test("a flood of resets arms a timer once")
    func flood() async throws {
        var timers = TimerSet(Timekeeper(clock)) { [rings] in rings.add($0) }
        for _ in 0..<1000 { timers.set(.idle, after: .seconds(30)) }
        await clock.pass(.milliseconds(30_000))
        #expect(await rung(.idle)?.arming == 1)
        timers.cancelAll()
    }

    @Test("a timer that is reset later, or to another time, rings at the new one")
    func reset() async throws {
        var timers = TimerSet(Timekeeper(clock)) { [rings] in rings.add($0) }
        timers.set(.idle, after: .seconds(30))
        timers.set(.idle, after: .seconds(20))
        await clock.sleeper(after: .seconds(20))
        clock.advance(by: .milliseconds(100))
        timers.set(.idle, after: .seconds(20))
        await clock.pass(.seconds(20))
        let ring = try #require(await rung(.idle))
        #expect(ring.arming == 3)
        let isTaken = timers.take(ring)
        #expect(isTaken)
    }

    @Test("a ring that was on its way when its timer was reset or cancelled is stale")
    func stale() async throws {
        var timers = TimerSet(Timekeeper(clock)) { [rings] in rings.add($0) }
        timers.set(.idle, after: .seconds(30))
        timers.set(.drain, after: .seconds(30))
        await clock.pass(.seconds(30))
        let idle = try #require(await rung(.idle))
        let drain = try #require(await rung(.drain))
        timers.set(.idle, after: .seconds(30))
        timers.cancel(.drain)
        let takes = [timers.take(idle), timers.take(drain)]
        #expect(takes == [false, false])
        timers.cancelAll()
    }
}
