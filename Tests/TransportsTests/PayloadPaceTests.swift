import QrateMeasurement
@testable import QrateTransports
import Testing

@Suite("PayloadPace") struct PayloadPaceTests {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)

    /// Sends as much as it may for 5 s, whenever it may.
    ///
    /// - Parameter takes: What each connection takes of a grant.
    private func run(
        _ bitsPerSecond: UInt64, connections: Int, takes: (_ place: Int, _ granted: UInt64) -> UInt64
    ) throws -> (bytes: [UInt64], longestGap: Duration) {
        var pace = try #require(
            PayloadPace(
                Bitrate(bitsPerSecond: bitsPerSecond), sharedBudget: nil, connections: connections, now: Self.start))
        var now = Self.start, lastSent = Self.start
        var bytes = [UInt64](repeating: 0, count: connections)
        var longestGap = Duration.zero
        while now < Self.start + .seconds(5) {
            var hasSent = false
            for place in 0..<connections {
                let granted = pace.grant(place, now: now)
                let used = takes(place, granted)
                pace.settle(place, left: granted - used)
                bytes[place] += used
                if used > 0 { hasSent = true }
            }
            if hasSent {
                longestGap = max(longestGap, now - lastSent)
                lastSent = now
            }
            let next = (0..<connections).map { pace.nextGrant($0) }.min() ?? .never
            try #require(next != .never)
            now = max(now + .nanoseconds(1), next)
        }
        return (bytes, longestGap)
    }

    @Test(
        "the mean over 5 s is the target within 2 %, and smooth", arguments: [1, 3],
        [1_000_000, 3_300_000, 100_000_000, 1_000_000_000, 10_000_000_000] as [UInt64])
    func mean(connections: Int, rate: UInt64) throws {
        let result = try run(rate, connections: connections) { $1 }
        let expected = Double(rate) * 5 / 8
        let total = Double(result.bytes.reduce(0, +))
        #expect(total > expected * 0.98 && total < expected * 1.02, "\(total) instead of \(expected)")
        #expect(result.longestGap <= .milliseconds(10))
        let least = Double(result.bytes.min() ?? 0), most = Double(result.bytes.max() ?? 0)
        #expect(most - least <= 61_440, "each connection has its share")
    }

    @Test("a connection that the network holds back leaves its share to the others")
    func heldBack() throws {
        let result = try run(100_000_000, connections: 2) { place, granted in place == 0 ? granted / 4 : granted }
        let total = Double(result.bytes.reduce(0, +))
        #expect(total > 62.5e6 * 0.98 && total < 62.5e6 * 1.02)
        #expect(result.bytes[1] > result.bytes[0] * 2)
        #expect(result.bytes[0] > 0)
    }

    @Test("a connection that the network holds back isn't woken by the clock")
    func blocked() throws {
        var pace = try #require(
            PayloadPace(Bitrate(bitsPerSecond: 1_000_000), sharedBudget: nil, connections: 1, now: Self.start))
        #expect(pace.grant(0, now: Self.start) == 1200)
        pace.settle(0, left: 1200)
        #expect(pace.nextGrant(0) == .never)
        #expect(pace.grant(0, now: Self.start) == 1200, "its own events wake it")
        pace.settle(0, left: 0)
        #expect(pace.grant(0, now: Self.start) == 0, "no dribble between bursts")
        pace.settle(0, left: 0)
        #expect(pace.nextGrant(0) == Self.start + .microseconds(9600))
    }

    @Test("a shared budget is given out once, with and without a rate", arguments: [nil, 80_000_000] as [UInt64?])
    func budget(rate: UInt64?) throws {
        var pace = try #require(
            PayloadPace(
                rate.map { Bitrate(bitsPerSecond: $0) }, sharedBudget: 100_001, connections: 3, now: Self.start))
        var taken: UInt64 = 0
        var now = Self.start
        for _ in 0..<1000 where !pace.isUsedUp {
            for place in 0..<3 {
                let granted = pace.grant(place, now: now)
                let used = min(granted, 7001)
                pace.settle(place, left: granted - used)
                taken += used
            }
            now = now + .milliseconds(1)
        }
        #expect(pace.isUsedUp)
        #expect(taken == 100_001)
        #expect(pace.grant(0, now: now) == 0)
    }

    @Test("a connection that has sent its all isn't waited for")
    func left() throws {
        var pace = try #require(
            PayloadPace(Bitrate(bitsPerSecond: 1_000_000), sharedBudget: nil, connections: 2, now: Self.start))
        #expect(pace.grant(0, now: Self.start) == 1200)
        pace.settle(0, left: 0)
        #expect(pace.grant(1, now: Self.start) == 0, "it is held back by the rate")
        pace.settle(1, left: 0)
        let later = Self.start + .seconds(1)
        #expect(pace.grant(0, now: later) == 0, "the other one has taken less")
        pace.settle(0, left: 0)
        pace.leave(1)
        #expect(pace.grant(0, now: later) == 1200)
    }

    @Test("without a rate and without a shared budget nothing is paced")
    func nothing() {
        #expect(PayloadPace(nil, sharedBudget: nil, connections: 1, now: Self.start) == nil)
    }
}
