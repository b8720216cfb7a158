package import QrateMeasurement

/// What arrived of one flow of sequence-numbered datagrams, what is missing, and how evenly it came.
///
/// Numbers count from 0. Whatever a peer sends, nothing here traps, grows or takes long: a datagram costs the same few
/// operations, and one whose number lies beyond every plausible gap isn't counted at all.
///
/// A number that was skipped is lost until it comes. Which of the last ``window`` numbers came is remembered bit by bit, so
/// a late datagram is told from a second copy, and its loss is taken back. Of one that is older still, neither can be
/// known: it counts as reordered alone, and its number stays lost (or received, if it was a copy).
///
/// Owned by one thread. No clock, no allocation after `init`.
package struct DatagramMeter: Sendable {
    /// How many numbers back a late datagram is recognised: 73 ms at 10 Gbit/s of 1400-byte datagrams.
    package static let window: UInt64 = 65_536
    /// A gap that an honest sender can't leave: minutes of silence at any rate that a host reaches. Such a number was
    /// damaged, or made up.
    static let largestGap: UInt64 = 1 << 32
    /// Longer than this is no variation of a delay, but two clocks that were set, or a made-up timestamp.
    private static let largestChange = 3600e9

    /// One bit per number, at the number's place modulo ``window``.
    private var seen = [UInt64](repeating: 0, count: Int(window / 64))
    /// One more than the highest number that came.
    private var next: UInt64 = 0
    /// How many the sender says that it sent; 0 until it does.
    private var announced: UInt64 = 0
    private var jitterNanoseconds = 0.0
    private var hasJitter = false
    /// Of the datagram that arrived last with a time of its own, and when it did.
    private var transit: Int64?
    private var arrivedAt = MonotonicTime(nanoseconds: 0)
    private var fastest: Int64 = 0

    /// Datagrams that arrived, each counted once.
    package private(set) var received: UInt64 = 0
    package private(set) var duplicates: UInt64 = 0
    package private(set) var reordered: UInt64 = 0
    /// The largest that the jitter has been since ``restartMaximum()``.
    private var maximumNanoseconds = 0.0

    package init() {}

    /// What became of a datagram.
    package enum Outcome: Sendable, Hashable {
        /// It is new, and took so many nanoseconds longer than the fastest so far.
        case received(delayVariation: UInt64)
        case duplicate
        /// Too old to say whether it is a copy.
        case beyondWindow
        /// Its number can't be true.
        case implausible
    }

    /// Counts a datagram.
    ///
    /// - Parameters:
    ///   - sequence: Its number.
    ///   - timestamp: Microseconds on the sender's clock, whose origin doesn't matter, when it was sent.
    ///   - now: When it arrived.
    package mutating func record(sequence: UInt64, timestamp: UInt64, at now: MonotonicTime) -> Outcome {
        if sequence >= next {
            let gap = sequence - next
            guard gap < Self.largestGap, sequence < UInt64.max / 2 else { return .implausible }
            if gap > 0 { forget(from: next, count: gap) }
            next = sequence + 1
        } else {
            guard next - sequence <= Self.window else {
                reordered += 1
                return .beyondWindow
            }
            guard !isSeen(sequence) else {
                duplicates += 1
                return .duplicate
            }
            reordered += 1
        }
        mark(sequence)
        received += 1
        return .received(delayVariation: time(timestamp, now))
    }

    /// The sender says that it sent so many, and no more: what is missing at the end counts as lost.
    package mutating func announce(sent: UInt64) {
        guard sent < UInt64.max / 2, sent < next + Self.largestGap else { return }
        announced = max(announced, sent)
    }

    /// Numbers that never came, up to the highest that did or was announced.
    package var lost: Int64 { Int64(clamping: max(next, announced) - received) }

    /// Whether the sender has said how many it sent, and none of them is missing.
    package var isWhole: Bool { announced > 0 && lost == 0 }

    /// RFC 3550 section 6.4.1, over the datagrams in the order of their arrival, copies left out; nil before the second.
    ///
    /// Of those that the kernel hands over in one piece (UDP_GRO), only the first has an arrival time: the others' spacing
    /// isn't known, and to take it for none would let the jitter vanish at high rates.
    package var jitter: Duration? { hasJitter ? .nanoseconds(Int64(jitterNanoseconds)) : nil }

    package var maxJitter: Duration? { hasJitter ? .nanoseconds(Int64(maximumNanoseconds)) : nil }

    /// From now on ``maxJitter`` is that of what follows.
    package mutating func restartMaximum() { maximumNanoseconds = jitterNanoseconds }

    // MARK: -

    /// Differences of the two clocks, which wrap around: only their changes mean anything.
    private mutating func time(_ timestamp: UInt64, _ now: MonotonicTime) -> UInt64 {
        let current = Int64(bitPattern: now.nanoseconds &- timestamp &* 1000)
        guard let previous = transit else {
            transit = current
            arrivedAt = now
            fastest = current
            return 0
        }
        if now != arrivedAt {
            transit = current
            arrivedAt = now
            // J += (|D| - J) / 16
            let change = min(Double((current &- previous).magnitude), Self.largestChange)
            jitterNanoseconds += (change - jitterNanoseconds) / 16
            hasJitter = true
            if jitterNanoseconds > maximumNanoseconds { maximumNanoseconds = jitterNanoseconds }
        }
        let variation = current &- fastest
        guard variation > 0 else {
            fastest = current
            return 0
        }
        return UInt64(variation)
    }

    private static func place(_ sequence: UInt64) -> (word: Int, bit: UInt64) {
        let position = sequence & (window - 1)
        return (Int(position >> 6), 1 << (position & 63))
    }

    private func isSeen(_ sequence: UInt64) -> Bool {
        let (word, bit) = Self.place(sequence)
        return seen[word] & bit != 0
    }

    private mutating func mark(_ sequence: UInt64) {
        let (word, bit) = Self.place(sequence)
        seen[word] |= bit
    }

    /// The places of skipped numbers still hold what was there a window ago.
    private mutating func forget(from start: UInt64, count: UInt64) {
        guard count < Self.window else {
            for word in seen.indices { seen[word] = 0 }
            return
        }
        var sequence = start
        let end = start + count
        while sequence < end {
            let (word, bit) = Self.place(sequence)
            if bit == 1, end - sequence >= 64 {
                seen[word] = 0
                sequence += 64
            } else {
                seen[word] &= ~bit
                sequence += 1
            }
        }
    }
}
