import QrateMeasurement

/// How much payload the connections of a plane may take now: what a target rate gives out (`-b`), and what is left of a
/// budget that several connections share (`-n`).
///
/// A connection asks before it sends, and says afterwards what it left: what it was granted is nobody else's until then, so
/// that connections on several threads never send more than there is. Kept under one lock; no clock, no allocation.
struct PayloadPace {
    private var bucket: TokenBucket?
    private var pool: UInt64?
    private var places: [Place]
    /// Less than this is nothing: payload in datagrams isn't divided.
    private let piece: UInt64

    private struct Place {
        var granted: UInt64 = 0
        /// It asked, and what is left of the budget was granted to others.
        var isWaiting = false
        /// When it was passed over for another one that has taken less.
        var passedOverAt: MonotonicTime?
        var taken: UInt64 = 0
        /// It would send more if it might: time alone lets it. Otherwise the network holds it back.
        var isHeldBack = false
    }

    /// How soon a connection asks again that was passed over: the other's thread may be asleep.
    private let patience: Duration

    /// More than one turn takes, of a budget without a rate.
    private static let chunk: UInt64 = 256 << 10
    private static let longestPatience = Duration.microseconds(200)

    /// One packet's worth at least, and what one batch carries at most.
    private static let bursts = 1200...60 << 10

    /// - Parameters:
    ///   - sharedBudget: Where one connection can't keep the budget by itself.
    ///   - piece: The most that can't be divided.
    /// - Returns: nil when nothing needs to be paced.
    init?(_ target: Bitrate?, sharedBudget: UInt64?, connections: Int, piece: Int = 1, now: MonotonicTime) {
        guard target != nil || sharedBudget != nil else { return nil }
        let smallest = max(Self.bursts.lowerBound, piece)
        let bucket = target.map {
            TokenBucket($0, bursts: smallest...max(smallest, Self.bursts.upperBound), now: now)
        }
        self.bucket = bucket
        self.piece = UInt64(max(piece, 1))
        let burstTime = target.map { Double(bucket?.burst ?? 0) * 8e9 / Double(max($0.bitsPerSecond, 1)) } ?? 0
        patience = min(Self.longestPatience, .nanoseconds(Int64(burstTime / 2)))
        pool = sharedBudget
        places = Array(repeating: Place(), count: connections)
    }

    /// The most that is sent at once; nil without a target rate.
    var burst: ByteCount? { bucket.map { ByteCount(UInt64($0.burst)) } }
    var isUsedUp: Bool { pool == 0 && places.allSatisfy { $0.granted == 0 } }

    /// What the connection in this place may take until it settles. Those that took less go first.
    mutating func grant(_ place: Int, now: MonotonicTime) -> UInt64 {
        places[place].passedOverAt = nil
        let amount = amount(for: place, now)
        places[place].granted = amount
        places[place].isWaiting = amount == 0 && pool == 0 && !isUsedUp
        bucket?.take(Int(clamping: amount))
        if let rest = pool { pool = rest - amount }
        return amount
    }

    private mutating func amount(for place: Int, _ now: MonotonicTime) -> UInt64 {
        guard bucket != nil else { return min(pool ?? .max, Self.chunk) }
        let burst = min(UInt64(bucket?.burst ?? 0), pool ?? .max)
        guard UInt64(bucket?.available(at: now) ?? 0) >= burst else { return 0 }
        for other in places.indices where other != place && places[other].isHeldBack {
            guard places[other].taken < places[place].taken else { continue }
            places[place].passedOverAt = now
            return 0
        }
        return burst
    }

    /// - Parameter left: What it didn't take of its last grant.
    /// - Returns: Whether another connection waits for what it gave back.
    @discardableResult
    mutating func settle(_ place: Int, left: UInt64) -> Bool {
        let granted = places[place].granted
        places[place].granted = 0
        let unused = min(left, granted)
        let used = granted - unused
        bucket?.take(-Int(clamping: unused))
        if let rest = pool { pool = rest + unused }
        places[place].taken &+= used
        places[place].isHeldBack = bucket != nil && (granted == 0 || granted - used < piece)
        // What the network holds back isn't owed anything later on.
        if !places[place].isHeldBack { places[place].taken = places.reduce(0) { max($0, $1.taken) } }
        return unused > 0 && places.indices.contains { $0 != place && places[$0].isWaiting }
    }

    /// The connection in this place has sent its all: the others needn't wait for it.
    mutating func leave(_ place: Int) {
        settle(place, left: places[place].granted)
        places[place].isHeldBack = false
        places[place].isWaiting = false
    }

    /// When asking again is worth it; `.never` for a connection that the network holds back.
    func nextGrant(_ place: Int) -> MonotonicTime {
        guard let bucket, places[place].isHeldBack, pool != 0 else { return .never }
        let next = bucket.time(for: Int(clamping: min(UInt64(bucket.burst), pool ?? .max)))
        return places[place].passedOverAt.map { max(next, $0 + patience) } ?? next
    }

    /// Time in which nothing was to be sent gives no credit.
    mutating func skip(to now: MonotonicTime) { bucket?.skip(to: now) }
}
