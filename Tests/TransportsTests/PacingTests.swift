import QrateMeasurement
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("pacing, budgets and windows, on made-up time") struct PacingTests {
    @Test(
        "over five seconds the mean is the rate, whatever the rate",
        arguments: [1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 25_000_000_000], [1448, 65_536, 1 << 20])
    func mean(rate: UInt64, unit: Int) {
        var now = MonotonicTime(nanoseconds: 7_000_000_000)
        let end = now + .seconds(5)
        var bucket = TokenBucket(Bitrate(bitsPerSecond: rate), bursts: min(1448, unit)...unit, now: now)
        var random = SplitMix(state: rate)
        var sent = 0
        while now < end {
            let count = bucket.available(at: now)
            if count >= bucket.burst {
                bucket.take(count)
                sent += count
                continue
            }
            // A timer is late, by up to a millisecond here, and early never.
            now = max(now, bucket.time(for: bucket.burst)) + .nanoseconds(Int64(random.next() % 1_000_000))
        }
        let wanted = Double(rate) / 8 * 5
        #expect(abs(Double(sent) - wanted) <= max(wanted * 0.005, Double(unit)))
    }

    @Test("time that a sender could not use is made up for, up to a fifth of a second of it")
    func catchUp() {
        let start = MonotonicTime(nanoseconds: 0)
        var bucket = TokenBucket(Bitrate(bitsPerSecond: 80_000_000), bursts: 1000...100_000, now: start)
        #expect(bucket.burst == 10_000, "a millisecond's worth")
        func sendAll(at now: MonotonicTime) -> Int {
            var sent = 0
            while bucket.available(at: now) == bucket.burst {
                bucket.take(bucket.burst)
                sent += bucket.burst
            }
            return sent
        }
        #expect(sendAll(at: start) == 10_000)
        #expect(sendAll(at: start + .milliseconds(100)) == 1_000_000)
        #expect(sendAll(at: start + .seconds(10)) == 2_000_000)
        bucket.skip(to: start + .seconds(20))
        #expect(sendAll(at: start + .seconds(20)) == 0, "a pause gives no credit")
        #expect(bucket.time(for: bucket.burst) == start + .seconds(20) + .milliseconds(1))
    }

    @Test("a rate of nothing waits for ever, and traps nowhere")
    func standstill() {
        let start = MonotonicTime(nanoseconds: 5)
        var bucket = TokenBucket(Bitrate(bitsPerSecond: 0), bursts: 1...10, now: start)
        bucket.take(bucket.burst)
        #expect(bucket.available(at: .never) == 0)
        #expect(bucket.time(for: 10) == .never)
    }

    @Test("a budget is given out once, and what comes back is given out again")
    func budget() {
        let budget = ByteBudget(10)
        #expect(budget.take(4) == 4)
        #expect(budget.take(100) == 6)
        #expect(budget.isUsedUp)
        #expect(budget.take(1) == 0)
        budget.giveBack(3)
        #expect(!budget.isUsedUp)
        #expect(budget.take(100) == 3)
        #expect(budget.take(0) == 0)
    }

    @Test("threads that draw from one budget get exactly all of it together")
    func sharedBudget() async {
        let budget = ByteBudget(1_000_003)
        let total = await withTaskGroup(of: Int.self) { group in
            for size in [7, 100, 1000, 4096] {
                group.addTask {
                    var sum = 0
                    while case let count = budget.take(size), count > 0 {
                        let unused = count / 3
                        budget.giveBack(unused)
                        sum += count - unused
                    }
                    return sum
                }
            }
            return await group.reduce(0, +)
        }
        #expect(total == 1_000_003)
    }

    // MARK: ReceiverWindow

    @Test("rows end on their boundaries whichever stream comes next, and add up to the totals")
    func windowRows() async {
        let window = TestedWindow(streams: 2, .duration(.seconds(2)), warmUp: .seconds(1))
        window.count(10, 0, at: 100)
        window.count(20, 1, at: 900)
        window.count(30, 0, at: 1_100)  // ends the warm-up
        window.count(40, 1, at: 2_500)
        window.count(50, 0, at: 3_100)  // closes the window: too late for it
        window.window.end(stream: 0, .finished, at: time(3_200))
        window.window.end(stream: 1, .finished, at: time(3_300))
        let events = await window.events()
        #expect(
            events == [
                "receiving", "row 0.0-1.0 warm-up 10 20", "row 1.0-2.0 30 0", "row 2.0-3.0 0 40",
                "done 30 40 warm-up 30 drained 50 in 2.0 complete",
            ])
    }

    @Test("a boundary that no payload crosses is ended by the clock, and the planned end after the streams' by it too")
    func windowTicks() async {
        let window = TestedWindow(streams: 1, .duration(.seconds(2)))
        #expect(window.window.tick(at: time(50)) == .never)
        window.count(10, 0, at: 100)
        #expect(window.window.plannedEnd == time(2_100))
        #expect(window.window.tick(at: time(200)) == time(1_100))
        #expect(window.window.tick(at: time(1_100)) == time(2_100))
        window.window.end(stream: 0, .finished, at: time(1_500))
        #expect(window.window.tick(at: time(1_600)) == time(2_100), "the senders' clocks may be ahead")
        #expect(window.window.tick(at: time(2_100)) == .never)
        #expect(
            await window.events() == [
                "receiving", "row 0.0-1.0 10", "row 1.0-2.0 0", "done 10 warm-up 0 drained 0 in 2.0 complete",
            ])
    }

    @Test("a stream that is cut off ends the window with it")
    func windowReset() async {
        let window = TestedWindow(streams: 2, .duration(.seconds(5)))
        window.count(10, 0, at: 100)
        window.window.end(stream: 1, .finished, at: time(200))
        window.window.end(stream: 0, .reset, at: time(600))
        window.window.end(stream: 0, .finished, at: time(700))  // changes nothing
        #expect(
            await window.events() == [
                "receiving", "row 0.0-0.5 10 0", "done 10 0 warm-up 0 drained 0 in 0.5 incomplete",
            ])
    }

    @Test("a pause moves every boundary after it")
    func windowPause() async {
        let window = TestedWindow(streams: 1, .duration(.seconds(1)))
        window.count(10, 0, at: 100)
        window.window.setPaused(true, at: time(600))
        window.count(5, 0, at: 700)  // was on its way
        #expect(!window.window.isSettled)
        #expect(window.window.tick(at: time(5_000)) == .never)
        window.window.setPaused(false, at: time(10_600))
        #expect(window.window.plannedEnd == time(11_100))
        window.window.end(stream: 0, .finished, at: time(10_700))
        #expect(!window.window.isSettled)
        #expect(window.window.tick(at: time(11_100)) == .never)
        #expect(window.window.isSettled)
        #expect(
            await window.events() == ["receiving", "row 0.0-1.0 15", "done 15 warm-up 0 drained 0 in 1.0 complete"])
    }

    @Test("a budget closes the window at its last byte")
    func windowBudget() async {
        let window = TestedWindow(streams: 2, .bytes(100))
        window.count(60, 0, at: 100)
        window.count(40, 1, at: 350)
        window.window.end(stream: 0, .finished, at: time(900))
        window.window.end(stream: 1, .finished, at: time(950))
        #expect(
            await window.events() == [
                "receiving", "row 0.0-0.25 60 40", "done 60 40 warm-up 0 drained 0 in 0.25 complete",
            ])
    }

    @Test("closing early gives what is in, once")
    func windowClose() async {
        let window = TestedWindow(streams: 1, .endless)
        window.count(60, 0, at: 100)
        let closed = window.window.closeWindow(at: time(400))
        #expect(closed.totals.measured == [60])
        #expect(closed.totals.duration == .milliseconds(300))
        #expect(!closed.totals.isComplete)
        #expect(closed.rowCount == 1)
        window.count(5, 0, at: 500)
        #expect(window.window.closeWindow(at: time(600)).totals.drained == 5)
        #expect(window.window.closeWindow(at: time(600)).rowCount == 1)
        #expect(await window.events() == ["receiving", "row 0.0-0.3 60"])
    }
}

private func time(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

/// A window whose events can be looked at as text.
private struct TestedWindow {
    let window: ReceiverWindow
    private let stream: AsyncStream<PlaneEvent>
    private let continuation: AsyncStream<PlaneEvent>.Continuation

    init(streams: Int, _ limit: TestLimit, warmUp: Duration = .zero) {
        (stream, continuation) = AsyncStream.makeStream()
        let parameters = TestParameters(transport: .tcp, streams: streams, limit: limit, warmUp: warmUp)
        window = ReceiverWindow(DataPlan(role: .server, parameters: parameters), continuation)
    }

    func count(_ bytes: Int, _ stream: Int, at milliseconds: UInt64) {
        window.count(bytes, stream: stream, at: time(milliseconds))
    }

    func events() async -> [String] {
        continuation.finish()
        var texts: [String] = []
        for await event in stream { texts.append(text(event)) }
        return texts
    }

    private func text(_ event: PlaneEvent) -> String {
        switch event {
        case .receiving: "receiving"
        case .interval(let row):
            "row \(row.start.seconds)-\(row.end.seconds)\(row.isWarmUp ? " warm-up" : "") \(text(row.streams))"
        case .receiversDone(let totals):
            "done \(text(totals.measured)) warm-up \(totals.warmUp.bytes) drained \(totals.drained.bytes) in "
                + "\(totals.duration?.seconds ?? -1) \(totals.isComplete ? "complete" : "incomplete")"
        case .sendersDone: "sent"
        case .failed(let error): "failed \(error.message)"
        }
    }

    private func text(_ counts: [ByteCount]) -> String { counts.map { "\($0.bytes)" }.joined(separator: " ") }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        return word ^ (word >> 31)
    }
}
