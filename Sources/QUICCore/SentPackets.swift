/// Which of the packets sent are still unacknowledged: a bit each, for the last ``capacity`` packets of one packet number
/// space. What is older is forgotten, as if it had never been sent.
///
/// ngtcp2 0.12.1 keeps such a record and tells nothing of it. This one sees what it sees (each packet sent, each ACK frame
/// received) and answers what ECN validation and statistics need. No memory is taken after `init`; an ACK frame costs a
/// step per range and per 64 packets between the oldest of interest and the newest.
struct SentPackets: ~Copyable {
    /// 47 MB in flight at 1444 bytes a packet.
    static let capacity = wordCount << 6
    private static let wordCount = 512

    private struct Word {
        /// Ack-eliciting (RFC 9002 §2), and not acknowledged yet.
        var outstanding: UInt64 = 0
        /// Sent with an ECN mark.
        var marked: UInt64 = 0
    }

    private let words: UnsafeMutablePointer<Word>
    /// When the last one of each eight packets was sent, in ``ticks(_:)``.
    private let times: UnsafeMutablePointer<UInt32>
    private static let timeCount = wordCount << 3
    /// The number of the next packet.
    private(set) var next: UInt64 = 0
    /// One more than the largest number that was acknowledged; 0 before the first.
    private(set) var acknowledgedUpTo: UInt64 = 0
    /// What is outstanding below this was declared lost.
    private var lostBelow: UInt64 = 0
    private var inFlight = 0
    /// Declared lost, and not acknowledged since.
    private var lost = 0

    /// What an ACK frame acknowledged for the first time: ack-eliciting packets alone.
    struct News {
        var packets = 0
        /// Those that had been sent with an ECN mark.
        var marked = 0
        /// Those that had been declared lost before.
        var late = 0
    }

    init() {
        words = .allocate(capacity: Self.wordCount)
        words.initialize(repeating: Word(), count: Self.wordCount)
        times = .allocate(capacity: Self.timeCount)
        times.initialize(repeating: 0, count: Self.timeCount)
    }

    deinit {
        words.deallocate()
        times.deallocate()
    }

    /// Time in units of 1,024 ns. They come round again after an hour: what is unacknowledged for so long is forgotten.
    private static func ticks(_ time: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: time >> 10) }

    // MARK: Sending

    /// - Parameters:
    ///   - isAckEliciting: Of others ngtcp2 doesn't find out whether they are lost.
    ///   - now: Monotonic nanoseconds.
    @inline(__always)
    mutating func add(_ number: UInt64, isAckEliciting: Bool, now: UInt64) {
        guard number >= next else { return }
        if next & 63 == 0 || number >> 6 != next >> 6 { reuse(upTo: number >> 6) }
        next = number &+ 1
        // Rounded up: no packet may look older than it is.
        times[place(ofTime: number)] = Self.ticks(now) &+ 1
        guard isAckEliciting else { return }
        word(number >> 6).pointee.outstanding |= 1 << (number & 63)
        inFlight &+= 1
    }

    /// The packets from `first` on went out with an ECN mark.
    @inline(__always)
    mutating func mark(from first: UInt64) {
        var number = max(first, next - min(next, UInt64(Self.capacity)))
        while number < next {
            word(number >> 6).pointee.marked |= 1 << (number & 63)
            number &+= 1
        }
    }

    /// Forgets what stood in the places up to that of word `last`.
    private mutating func reuse(upTo last: UInt64) {
        // Below `next` each word is in use, but for the one that `next` begins.
        var index = next & 63 == 0 ? next >> 6 : (next >> 6) &+ 1
        if last &- index >= UInt64(Self.wordCount) { index = last &- UInt64(Self.wordCount - 1) }
        while index <= last {
            let place = word(index)
            if place.pointee.outstanding != 0, index >= UInt64(Self.wordCount) {
                let old = (index &- UInt64(Self.wordCount)) << 6
                let late = Self.mask(from: old, upTo: lostBelow, word: old >> 6)
                lost &-= (place.pointee.outstanding & late).nonzeroBitCount
                inFlight &-= (place.pointee.outstanding & ~late).nonzeroBitCount
            }
            place.pointee = Word()
            index &+= 1
        }
    }

    // MARK: Acknowledgement

    /// One range of an ACK frame, `first` and `last` included. Call ``settle(largest:_:)`` after all of a frame's.
    @inline(__always)
    mutating func acknowledge(_ first: UInt64, _ last: UInt64, _ news: inout News) {
        guard last < next else { return }
        // What lies below was acknowledged or declared lost: of interest only as long as something is lost.
        let oldest = max(lost == 0 ? lostBelow : 0, oldestWord << 6)
        var index = max(first, oldest)
        guard index <= last else { return }
        index >>= 6
        let end = last &+ 1
        while index <= last >> 6 {
            let place = word(index)
            let hit = place.pointee.outstanding & Self.mask(from: max(first, oldest), upTo: end, word: index)
            if hit != 0 {
                place.pointee.outstanding &= ~hit
                let packets = hit.nonzeroBitCount
                let late = (hit & Self.mask(from: 0, upTo: lostBelow, word: index)).nonzeroBitCount
                news.packets &+= packets
                news.marked &+= (hit & place.pointee.marked).nonzeroBitCount
                news.late &+= late
                lost &-= late
                inFlight &-= packets &- late
            }
            index &+= 1
        }
    }

    /// All ranges of a frame are in: declares lost what ngtcp2 will declare lost for certain when it reads the frame, because
    /// packets sent so much later were acknowledged (RFC 9002 §6.1.1).
    ///
    /// ngtcp2 0.12.1 takes for the packet threshold half of the packets in flight, 3 at least and 256 at most. It counts
    /// bytes and full datagrams, so that its threshold is never above the one here.
    @inline(__always)
    mutating func settle(largest: UInt64, _ news: News) {
        acknowledgedUpTo = max(acknowledgedUpTo, min(largest, next &- 1) &+ 1)
        guard news.packets > 0 else { return }
        let threshold = UInt64(max(3, min(256, inFlight / 2 + 2)))
        guard acknowledgedUpTo > threshold else { return }
        declareLost(below: acknowledgedUpTo &- threshold)
    }

    /// Whether packets are outstanding that aren't declared lost, while a later one was acknowledged.
    var hasGap: Bool {
        var index = max(lostBelow >> 6, oldestWord)
        while index << 6 < acknowledgedUpTo {
            let mask = Self.mask(from: lostBelow, upTo: acknowledgedUpTo, word: index)
            if word(index).pointee.outstanding & mask != 0 { return true }
            index &+= 1
        }
        return false
    }

    /// ngtcp2 has looked for losses: of packets before the largest that was acknowledged, those sent before `limit`, and all
    /// before them, are declared lost (RFC 9002 §6.1.2).
    mutating func settle(sentBefore limit: UInt64) {
        let limit = Self.ticks(limit)
        var end = max(lostBelow, oldestWord << 6)
        // As long as eight packets in a row are old enough.
        while end | 7 < acknowledgedUpTo, Int32(bitPattern: limit &- times[place(ofTime: end)]) >= 0 {
            end = (end | 7) &+ 1
        }
        declareLost(below: end)
    }

    @inline(__always)
    private mutating func declareLost(below end: UInt64) {
        guard end > lostBelow else { return }
        var index = max(lostBelow >> 6, oldestWord)
        while index << 6 < end {
            let moved = word(index).pointee.outstanding & Self.mask(from: lostBelow, upTo: end, word: index)
            lost &+= moved.nonzeroBitCount
            inFlight &-= moved.nonzeroBitCount
            index &+= 1
        }
        lostBelow = end
    }

    // MARK: Places

    private var oldestWord: UInt64 { (next >> 6) &- min(next >> 6, UInt64(Self.wordCount - 1)) }

    @inline(__always)
    private func place(ofTime number: UInt64) -> Int {
        Int(truncatingIfNeeded: (number >> 3) & UInt64(Self.timeCount - 1))
    }

    @inline(__always)
    private func word(_ index: UInt64) -> UnsafeMutablePointer<Word> {
        words + Int(truncatingIfNeeded: index & UInt64(Self.wordCount - 1))
    }

    /// The bits in word `word` of the packets from `first` up to, but not including, `end`.
    @inline(__always)
    private static func mask(from first: UInt64, upTo end: UInt64, word: UInt64) -> UInt64 {
        let start = word << 6
        let low = first <= start ? UInt64.max : first &- start > 63 ? 0 : UInt64.max << (first &- start)
        let high = end <= start ? 0 : end &- start > 63 ? UInt64.max : ~(UInt64.max << (end &- start))
        return low & high
    }
}
