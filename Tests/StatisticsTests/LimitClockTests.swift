import QrateMeasurement
import QrateStatistics
import Testing

@Suite("what a sender's time goes to") struct LimitClockTests {
    private func at(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: 1_000_000 * milliseconds) }

    @Test("each moment belongs to the cause that was told last, and all of them add up")
    func changes() {
        var clock = LimitClock(.idle, at: at(100))
        clock.limit(by: .cpu, at: at(110))
        clock.limit(by: .congestionWindow, at: at(130))
        clock.limit(by: .cpu, at: at(180))
        clock.limit(by: .flowControl, at: at(181))
        let shares = clock.shares(at: at(200))
        #expect(shares[.idle] == .milliseconds(10))
        #expect(shares[.cpu] == .milliseconds(21))
        #expect(shares[.congestionWindow] == .milliseconds(50))
        #expect(shares[.flowControl] == .milliseconds(19))
        #expect(shares[.pacing] == .zero)
        #expect(shares.covered == .milliseconds(100))
        #expect(shares.share(of: .congestionWindow) == 0.5)
    }

    @Test("a look doesn't change what is looked at")
    func looks() {
        var clock = LimitClock(.cpu, at: at(0))
        #expect(clock.shares(at: at(40))[.cpu] == .milliseconds(40))
        #expect(clock.shares(at: at(50))[.cpu] == .milliseconds(50))
        clock.limit(by: .idle, at: at(60))
        #expect(clock.shares(at: at(60))[.cpu] == .milliseconds(60))
    }

    @Test("a pause is nobody's time")
    func pause() {
        var clock = LimitClock(.congestionWindow, at: at(0))
        clock.limit(by: nil, at: at(30))
        clock.limit(by: .congestionWindow, at: at(1030))
        let shares = clock.shares(at: at(1040))
        #expect(shares.covered == .milliseconds(40))
        #expect(shares.share(of: .congestionWindow) == 1)
    }

    @Test("a time before the last change is that change's")
    func lateNews() {
        var clock = LimitClock(.cpu, at: at(100))
        clock.limit(by: .pacing, at: at(90))
        clock.limit(by: .idle, at: at(110))
        let shares = clock.shares(at: at(110))
        #expect(shares[.cpu] == .zero)
        #expect(shares[.pacing] == .milliseconds(10))
        #expect(clock.shares(at: at(5)).covered == .milliseconds(10))
    }

    @Test("only what a transport can tell is told")
    func causes() {
        let shares = LimitClock(.cpu, at: at(0)).shares(of: [.cpu, .idle], at: at(8))
        #expect(shares[.cpu] == .milliseconds(8))
        #expect(shares[.idle] == .zero)
        #expect(shares[.flowControl] == nil)
        #expect(shares.share(of: .flowControl) == nil)
    }
}

@Suite("what a TCP sender's kernel waited for") struct KernelLimitsTests {
    private func told(
        cpu: Int = 0, waiting: Int = 0, rate: Int = 0, idle: Int = 0
    ) -> LimitShares {
        LimitShares([
            .cpu: .milliseconds(cpu), .congestionWindow: .milliseconds(waiting), .targetBitrate: .milliseconds(rate),
            .idle: .milliseconds(idle),
        ])
    }

    private func chronographs(busy: Int, window: Int = 0, buffer: Int = 0) -> KernelLimits.Chronographs {
        KernelLimits.Chronographs(
            busy: .milliseconds(busy), receiveWindow: .milliseconds(window), sendBuffer: .milliseconds(buffer))
    }

    @Test("the sender's waiting is divided as the kernel says, and the rest of it is the congestion window's")
    func divides() throws {
        var limits = KernelLimits()
        let split = limits.split(
            told(cpu: 100, waiting: 890, idle: 10), chronographs(busy: 990, window: 600, buffer: 40))
        let shares = try #require(split)
        #expect(shares[.flowControl] == .milliseconds(600))
        #expect(shares[.socketBuffer] == .milliseconds(40))
        #expect(shares[.congestionWindow] == .milliseconds(250))
        #expect(shares[.cpu] == .milliseconds(100))
        #expect(shares[.idle] == .milliseconds(10))
        #expect(shares[.pacing] == nil)
        #expect(shares.covered == .seconds(1))
    }

    @Test("time in which the sender worked is not taken back, whatever the kernel says of it")
    func ownWork() throws {
        var limits = KernelLimits()
        let split = limits.split(told(cpu: 900, waiting: 100), chronographs(busy: 1000, window: 700, buffer: 300))
        let shares = try #require(split)
        #expect(shares[.cpu] == .milliseconds(900))
        #expect(shares[.flowControl] == .milliseconds(100))
        #expect(shares[.socketBuffer] == .zero)
        #expect(shares[.congestionWindow] == .zero)
    }

    @Test("what the kernel still has to send after the last write isn't idle time")
    func draining() throws {
        var limits = KernelLimits()
        let split = limits.split(told(cpu: 100, waiting: 400, idle: 500), chronographs(busy: 800))
        let shares = try #require(split)
        #expect(shares[.congestionWindow] == .milliseconds(700))
        #expect(shares[.idle] == .milliseconds(200))
    }

    @Test("a paced sender's unacknowledged data doesn't make it wait for the window")
    func paced() throws {
        var limits = KernelLimits()
        let split = limits.split(told(cpu: 10, rate: 990), chronographs(busy: 1000))
        let shares = try #require(split)
        #expect(shares[.targetBitrate] == .milliseconds(990))
        #expect(shares[.congestionWindow] == .zero)
    }

    @Test("each look divides what came since the one before, so that no time is ever taken back")
    func steps() throws {
        var limits = KernelLimits()
        _ = limits.split(told(waiting: 100), chronographs(busy: 100))
        let split = limits.split(told(waiting: 200), chronographs(busy: 200, window: 150))
        let second = try #require(split)
        #expect(second[.congestionWindow] == .milliseconds(100))
        #expect(second[.flowControl] == .milliseconds(100))
        // The connection is gone, and its kernel tells nothing any more.
        let last = limits.split(told(waiting: 200, idle: 70), nil)
        #expect(last == second)
    }

    @Test("a kernel that doesn't tell leaves it unknown")
    func silentKernel() {
        var limits = KernelLimits()
        let split = limits.split(told(cpu: 10, waiting: 20), nil)
        #expect(split == nil)
    }
}
