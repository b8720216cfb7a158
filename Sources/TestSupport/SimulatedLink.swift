package import QrateMeasurement

/// A link between two hosts, on a clock that a test moves: delay, rate, loss, reordering, duplicates, a datagram size
/// limit, ECN, and an attacker who sees every datagram and sends forged ones besides.
///
/// The draws come from a seeded generator, so that a failing run can be repeated.
package struct SimulatedLink {
    package var delay = Duration.milliseconds(5)
    /// What the link carries at most; nil for any rate. A queue of ``queueLimit`` stands before it.
    package var rate: Bitrate?
    /// A datagram that would wait longer than this for its turn is lost.
    package var queueLimit = Duration.milliseconds(20)
    /// Shares of datagrams, 0 to 1.
    package var loss = 0.0
    package var reordering = 0.0
    package var duplication = 0.0
    /// Larger UDP payloads vanish, as on a path with that MTU.
    package var largestPayload = 65_535
    /// Replaces ECT(0) by CE in this share of datagrams, and clears every mark when `bleachesECN` is set.
    package var congestionMarking = 0.0
    package var bleachesECN = false
    /// For this share of datagrams a forged one arrives besides: damaged, cut short, repeated from earlier, or random.
    package var forgery = 0.0
    /// So many of the next datagrams vanish.
    package var dropsNext = 0
    /// Nothing arrives any more.
    package var isDead = false

    /// Datagrams that arrived or will, and that vanished for whatever reason.
    package private(set) var carried = 0
    package private(set) var lost = 0
    package private(set) var forged = 0
    /// UDP payload bytes that vanished, and datagrams that arrived or will with a congestion mark of the link's.
    package private(set) var bytesLost = 0
    package private(set) var congestionMarked = 0
    /// Datagrams sent into the link with an ECN mark, and UDP payload bytes sent into it.
    package private(set) var marked = 0
    package private(set) var bytesSent = 0
    /// The largest UDP payload that was sent into the link, and that came out.
    package private(set) var largestSent = 0
    package private(set) var largestCarried = 0

    private var generator: SplitMix64
    /// In the order of arrival; those before `first` have arrived.
    private var inFlight: [Flight] = []
    private var first = 0
    private var freeAt = MonotonicTime(nanoseconds: 0)
    private var overheard: [[UInt8]] = []

    package struct Datagram {
        package var bytes: [UInt8]
        package var ecn: UInt8

        package init(bytes: [UInt8], ecn: UInt8 = 0) {
            self.bytes = bytes
            self.ecn = ecn
        }
    }

    /// Datagrams that arrive together, merged as a kernel does it (UDP_GRO): all of one size but the last.
    package struct Run {
        package private(set) var bytes: [UInt8]
        package let segmentSize: Int
        package let ecn: UInt8

        package init(_ datagram: Datagram) {
            bytes = datagram.bytes
            segmentSize = datagram.bytes.count
            ecn = datagram.ecn
        }

        package var datagrams: [Datagram] {
            guard bytes.count > segmentSize else { return [Datagram(bytes: bytes, ecn: ecn)] }
            return stride(from: 0, to: bytes.count, by: segmentSize).map {
                Datagram(bytes: Array(bytes[$0..<min($0 + segmentSize, bytes.count)]), ecn: ecn)
            }
        }

        /// Whether there was a place for it: it is of the same kind, and goes to the same connection ID.
        fileprivate mutating func append(_ datagram: Datagram) -> Bool {
            guard bytes.count % max(segmentSize, 1) == 0, bytes.count + segmentSize <= 65_535, segmentSize > 9,
                datagram.ecn == ecn, 10...segmentSize ~= datagram.bytes.count,
                bytes[0] & 0xc0 == 0x40, datagram.bytes[0] & 0xc0 == 0x40, bytes[1...8] == datagram.bytes[1...8]
            else { return false }
            bytes += datagram.bytes
            return true
        }
    }

    private struct Flight {
        var due: MonotonicTime
        var datagram: Datagram
    }

    package init(seed: UInt64 = 1) { generator = SplitMix64(seed: seed) }

    // MARK: Sending

    package mutating func send(_ datagram: Datagram, now: MonotonicTime) {
        bytesSent += datagram.bytes.count
        largestSent = max(largestSent, datagram.bytes.count)
        if datagram.ecn != 0 { marked += 1 }
        if !isDead, draw(forgery) { forge(from: datagram, now) }
        guard !isDead, dropsNext == 0, datagram.bytes.count <= largestPayload, !draw(loss),
            let departure = queue(datagram.bytes.count, now)
        else {
            dropsNext = max(0, dropsNext - 1)
            lost += 1
            bytesLost += datagram.bytes.count
            return
        }
        carried += 1
        largestCarried = max(largestCarried, datagram.bytes.count)
        var datagram = datagram
        if bleachesECN { datagram.ecn = 0 }
        if datagram.ecn == 2, draw(congestionMarking) {
            datagram.ecn = 3
            congestionMarked += 1
        }
        // A reordered datagram is overtaken by those of the next half delay.
        let extra = draw(reordering) ? delay / 2 : .zero
        enqueue(datagram, departure + delay + extra)
        if draw(duplication) { enqueue(datagram, departure + delay + delay / 4) }
    }

    /// When the last bit of the datagram leaves; nil when the queue is full.
    private mutating func queue(_ count: Int, _ now: MonotonicTime) -> MonotonicTime? {
        guard let rate else { return now }
        let start = max(freeAt, now)
        guard start - now <= queueLimit else { return nil }
        freeAt = start + .nanoseconds(Int64(count) * 8_000_000_000 / Int64(clamping: rate.bitsPerSecond))
        return freeAt
    }

    private mutating func enqueue(_ datagram: Datagram, _ due: MonotonicTime) {
        var index = inFlight.endIndex
        while index > first, inFlight[index - 1].due > due { index -= 1 }
        inFlight.insert(Flight(due: due, datagram: datagram), at: index)
    }

    // MARK: Receiving

    /// When the next datagram arrives.
    package var nextArrival: MonotonicTime { first < inFlight.count ? inFlight[first].due : .never }

    package mutating func receive(now: MonotonicTime) -> Datagram? {
        guard first < inFlight.count, inFlight[first].due <= now else { return nil }
        let datagram = inFlight[first].datagram
        inFlight[first].datagram.bytes = []
        first += 1
        if first > 1024, first * 2 > inFlight.count {
            inFlight.removeFirst(first)
            first = 0
        }
        return datagram
    }

    /// What has arrived and can be handed over in one go.
    package mutating func receiveRun(now: MonotonicTime) -> Run? {
        guard let datagram = receive(now: now) else { return nil }
        var run = Run(datagram)
        while first < inFlight.count, inFlight[first].due <= now, run.append(inFlight[first].datagram) {
            _ = receive(now: now)
        }
        return run
    }

    // MARK: The attacker

    private mutating func forge(from datagram: Datagram, _ now: MonotonicTime) {
        forged += 1
        var bytes = datagram.bytes
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1:
            // In the header, where most of what isn't authenticated stands.
            let position = Int.random(in: 0..<min(bytes.count, 48), using: &generator)
            bytes[position] = UInt8.random(in: .min ... .max, using: &generator)
        case 2:
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
        case 3:
            bytes = overheard.randomElement(using: &generator) ?? bytes
        default:
            bytes = (0..<Int.random(in: 0..<1500, using: &generator)).map { _ in
                .random(in: .min ... .max, using: &generator)
            }
        }
        if overheard.count < 256 { overheard.append(datagram.bytes) }
        // Ahead of the genuine one, or behind it.
        let margin = delay * Double.random(in: 0.5..<1.5, using: &generator)
        enqueue(Datagram(bytes: bytes, ecn: UInt8.random(in: 0...3, using: &generator)), now + margin)
    }

    private mutating func draw(_ share: Double) -> Bool {
        share > 0 && Double.random(in: 0..<1, using: &generator) < share
    }
}
