package import QrateMeasurement

/// Paces one sender to a bit rate: credit grows with time, and sending takes it.
///
/// Credit that a blocked or descheduled sender could not use is kept for a while, so that the mean holds over seconds; the
/// bucket gives it out in pieces of one burst, which a driver sends one after the other. No clock, no allocation.
package struct TokenBucket: Sendable {
    /// Bytes a nanosecond.
    private let rate: Double
    /// The largest amount that is sent at once.
    package let burst: Int
    private let depth: Double
    private var credit: Double
    private var updatedAt: MonotonicTime

    /// How much unused time is made up for. A machine that runs more threads than it has processors takes one away for
    /// tens of milliseconds; a path that stood still for longer shall not be flooded afterwards.
    private static let catchUp = 200e6
    /// A burst is what the rate gives in this time: short enough to be smooth, long enough not to be woken for single
    /// bytes.
    private static let burstTime = 1e6

    /// - Parameter bursts: The bounds of a burst, in bytes: what the transport sends at least, and at most, at once.
    package init(_ target: Bitrate, bursts: ClosedRange<Int>, now: MonotonicTime) {
        rate = Double(target.bitsPerSecond) / 8e9
        let natural = rate * Self.burstTime
        burst = natural >= Double(bursts.upperBound) ? bursts.upperBound : max(bursts.lowerBound, Int(natural))
        depth = max(Double(burst), rate * Self.catchUp)
        credit = Double(burst)
        updatedAt = now
    }

    /// How many bytes may be sent now: up to one burst.
    package mutating func available(at now: MonotonicTime) -> Int {
        update(now)
        return credit >= Double(burst) ? burst : max(0, Int(credit))
    }

    package mutating func take(_ bytes: Int) { credit -= Double(bytes) }

    /// When `bytes` may be sent, `bytes` at most one burst. In the past when they may be now; `.never` at a rate of 0.
    package func time(for bytes: Int) -> MonotonicTime {
        let missing = Double(min(bytes, burst)) - credit
        guard missing > 0 else { return updatedAt }
        let wait = missing / rate
        return wait < 9e18 ? updatedAt + .nanoseconds(Int64(wait.rounded(.up))) : .never
    }

    /// Time in which nothing was to be sent gives no credit.
    package mutating func skip(to now: MonotonicTime) { updatedAt = max(updatedAt, now) }

    private mutating func update(_ now: MonotonicTime) {
        guard now > updatedAt else { return }
        credit = min(depth, credit + rate * Double(now.nanoseconds - updatedAt.nanoseconds))
        updatedAt = now
    }
}
