import QrateMeasurement
import QrateStatistics
import Testing

@Suite("the receiver's meter") struct ReceiveMeterTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    /// Advances the meter to `seconds` after the start, with these cumulative counters.
    private func advance(_ meter: inout ReceiveMeter, _ milliseconds: Int, _ counters: [UInt64]) -> [ReceiveMeter.Row] {
        counters.withUnsafeBufferPointer { meter.advance(to: start + .milliseconds(milliseconds), counters: $0) }
    }

    private func close(_ meter: inout ReceiveMeter, _ milliseconds: Int, _ counters: [UInt64]) -> [ReceiveMeter.Row] {
        counters.withUnsafeBufferPointer { meter.close(at: start + .milliseconds(milliseconds), counters: $0) }
    }

    private func totals(_ meter: ReceiveMeter, _ counters: [UInt64]) -> ReceiveMeter.Totals {
        counters.withUnsafeBufferPointer { meter.totals(counters: $0) }
    }

    @Test("nothing is due before the first byte")
    func waits() {
        let meter = ReceiveMeter(streams: 1, warmUp: .zero, interval: .seconds(1), duration: .seconds(3))
        #expect(!meter.isOpen)
        #expect(meter.nextBoundary == .never)
    }

    @Test("rows end on their boundaries even when the thread wakes late, and add up to the total")
    func rowsAddUp() {
        var meter = ReceiveMeter(streams: 2, warmUp: .zero, interval: .seconds(1), duration: .seconds(3))
        meter.open(at: start)
        #expect(meter.nextBoundary == start + .seconds(1))
        #expect(advance(&meter, 999, [5, 5]).isEmpty)
        let first = advance(&meter, 1300, [100, 10])
        #expect(first.map(\.start) == [.zero])
        #expect(first.map(\.end) == [.seconds(1)])
        #expect(first.map(\.streams) == [[100, 10]])
        let rest = advance(&meter, 3500, [300, 40])
        #expect(rest.map(\.end) == [.seconds(2), .seconds(3)])
        #expect(rest.map { $0.streams.map(\.bytes) } == [[200, 30], [0, 0]])
        #expect(meter.isClosed)
        let sums = totals(meter, [310, 40])
        #expect(sums.measured == [300, 40])
        #expect(sums.drained == 10)
        #expect(sums.duration == .seconds(3))
    }

    @Test("the warm-up has rows of its own, and its bytes are in no total")
    func warmUpIsLeftOut() {
        var meter = ReceiveMeter(streams: 1, warmUp: .milliseconds(1500), interval: .seconds(1), duration: .seconds(2))
        meter.open(at: start)
        let rows = advance(&meter, 1600, [70]) + advance(&meter, 2600, [170]) + advance(&meter, 3600, [270])
        #expect(rows.map(\.isWarmUp) == [true, true, false, false])
        #expect(rows.map(\.end) == [.seconds(1), .milliseconds(1500), .milliseconds(2500), .milliseconds(3500)])
        let sums = totals(meter, [270])
        #expect(sums.warmUp == 70)
        #expect(sums.measured == [200])
        #expect(sums.duration == .seconds(2))
    }

    @Test("a byte budget closes the window at its last byte, with a short last row")
    func budgetCloses() {
        var meter = ReceiveMeter(streams: 1, warmUp: .zero, interval: .seconds(1), duration: nil, byteBudget: 1000)
        meter.open(at: start)
        #expect(!meter.budgetIsIn(999))
        #expect(meter.budgetIsIn(1000))
        let rows = close(&meter, 1250, [1000])
        #expect(rows.map(\.end) == [.seconds(1), .milliseconds(1250)])
        let sums = totals(meter, [1000])
        #expect(sums.measured == [1000])
        #expect(sums.duration == .milliseconds(1250))
        #expect(close(&meter, 2000, [1000]).isEmpty)
    }

    @Test("a last row shorter than a tenth of an interval is joined to the one before")
    func noSliverRow() {
        var meter = ReceiveMeter(streams: 1, warmUp: .zero, interval: .seconds(1), duration: .milliseconds(2050))
        meter.open(at: start)
        let rows = advance(&meter, 5000, [10])
        #expect(rows.map(\.end) == [.seconds(1), .milliseconds(2050)])
    }

    @Test("a window closed during the warm-up measured nothing")
    func closedInWarmUp() {
        var meter = ReceiveMeter(streams: 1, warmUp: .seconds(2), interval: .seconds(1), duration: .seconds(2))
        meter.open(at: start)
        _ = close(&meter, 500, [42])
        let sums = totals(meter, [50])
        #expect(sums.measured == [0])
        #expect(sums.duration == nil)
        #expect(sums.warmUp == 42)
        #expect(sums.drained == 8)
    }

    @Test("a window closed before any byte is empty, and absent rather than zero in time")
    func closedBeforeOpen() {
        var meter = ReceiveMeter(streams: 1, warmUp: .zero, interval: .seconds(1), duration: .seconds(2))
        #expect(close(&meter, 500, [0]).isEmpty)
        #expect(totals(meter, [0]).duration == nil)
        #expect(!meter.isOpen, "no byte came, and what comes now opens nothing")
        meter.open(at: start)
        #expect(meter.openedAt == nil)
    }

    @Test("the course of the rate is told when the window has closed, and a pause isn't in it")
    func steadyState() throws {
        var meter = ReceiveMeter(streams: 1, warmUp: .zero, interval: .seconds(1), duration: .seconds(4))
        meter.note(1_000_000, at: start)
        #expect(meter.steadyState == nil, "it wasn't open")
        meter.open(at: start)
        // 80 Mbit/s, and 3 s of silence in a pause.
        for millisecond in 0..<4000 {
            let pause = millisecond >= 1500 ? 3000 : 0
            if millisecond == 1500 {
                meter.pause(at: start + .milliseconds(1500))
                meter.resume(at: start + .milliseconds(4500))
            }
            meter.note(10_000, at: start + .milliseconds(millisecond + pause))
        }
        #expect(meter.steadyState == nil, "it is open")
        _ = advance(&meter, 7001, [40_000_000])
        let state = try #require(meter.steadyState)
        #expect(abs(state.plateau.bitsPerSecond.distance(to: 80_000_000)) < 400_000)
        #expect(state.timeTo90Percent < .milliseconds(4))
        meter.note(1 << 40, at: start + .milliseconds(7100))
        #expect(meter.steadyState == state)
    }
}
