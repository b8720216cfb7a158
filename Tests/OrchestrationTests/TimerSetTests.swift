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
