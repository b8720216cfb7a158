package import QrateMeasurement

/// What happens to a packet that was sent into a link.
package enum PacketFate: Hashable, Sendable {
    case lostAtRandom
    case lostInBurst
    /// It was UDP, and there was more of it than is let through.
    case policed
    /// Too many bytes were waiting for the link.
    case droppedByQueue
    /// It arrives at that time, and when `isDoubled`, a copy right behind it.
    case carried(due: MonotonicTime, isDoubled: Bool)
}

/// One direction of a path, without packets, sockets or a clock: it decides each packet's fate.
///
/// In this order: losses in runs, independent losses, the limit on UDP, the link's queue and rate, delay and jitter, holding back,
/// duplication. A lost packet takes nothing of the link's rate: it was lost on the way to it.
package struct LinkEmulation: Sendable {
    package let settings: LinkSettings
    private let seed: UInt64
    /// The number of packets so far, without spared ones.
    private var packets: UInt64 = 0
    private var isInBurst = false
    /// When the link will have sent all that waits for it.
    private var freeAt = MonotonicTime(nanoseconds: 0)
    /// When the last packet that wasn't held back arrives: none arrives before it.
    private var lastDue = MonotonicTime(nanoseconds: 0)
    /// When all UDP that was let through so far would have gone at the rate that is allowed.
    private var udpFreeAt = MonotonicTime(nanoseconds: 0)
    /// The most bytes that ever waited for the link.
    package private(set) var deepestQueue = 0

    package init(_ settings: LinkSettings, seed: UInt64) {
        self.settings = settings
        self.seed = seed
    }

    /// - Parameters:
    ///   - bytes: The whole IP packet.
    ///   - now: Never less than in an earlier call.
    ///   - isUDP: It is a whole UDP datagram.
    ///   - isSpared: Only the queue, the rate and the delay apply to it, and it uses up no draws.
    package mutating func handle(bytes: Int, now: MonotonicTime, isUDP: Bool = false, isSpared: Bool = false)
        -> PacketFate
    {
        guard !isSpared else {
            guard let departure = depart(bytes, now) else { return .droppedByQueue }
            return .carried(due: departure + settings.delay, isDoubled: false)
        }
        // All are drawn, needed or not: a packet's fate doesn't depend on which settings others have.
        var draws = PacketDraws(seed: seed, packet: packets)
        let (burst, loss, hold, double, lag) = (draws.next(), draws.next(), draws.next(), draws.next(), draws.next())
        packets += 1

        moveBurst(burst)
        if isInBurst { return .lostInBurst }
        if loss < (isUDP ? max(settings.loss, settings.udpLoss) : settings.loss) { return .lostAtRandom }
        if isUDP, !admitsUDP(bytes, now) { return .policed }
        guard let departure = depart(bytes, now) else { return .droppedByQueue }
        let arrival = departure + settings.delay + settings.jitter * lag
        let isDoubled = double < settings.duplication
        if hold < settings.reordering { return .carried(due: arrival + settings.holdBack, isDoubled: isDoubled) }
        lastDue = max(lastDue, arrival)
        return .carried(due: lastDue, isDoubled: isDoubled)
    }

    /// A run that ends with a packet ends before it: runs of `meanLength` packets come out on average.
    private mutating func moveBurst(_ draw: Double) {
        guard let bursts = settings.bursts else { return }
        isInBurst = isInBurst ? draw >= 1 / bursts.meanLength : draw < bursts.start
    }

    /// A policer (RFC 2475 §2.3.3.3): what exceeds the rate is dropped at once, and doesn't wait.
    private mutating func admitsUDP(_ bytes: Int, _ now: MonotonicTime) -> Bool {
        guard let rate = settings.udpRate else { return true }
        let bitsPerSecond = Double(rate.bitsPerSecond)
        let ahead = max(0, (udpFreeAt - now).seconds * bitsPerSecond / 8)
        guard Int(ahead.rounded()) + bytes <= LinkSettings.udpBurst else { return false }
        udpFreeAt = max(udpFreeAt, now) + .nanoseconds(Int64((Double(bytes) * 8e9 / bitsPerSecond).rounded()))
        return true
    }

    /// When the packet's last bit leaves the link; nil when there is no room for it to wait.
    private mutating func depart(_ bytes: Int, _ now: MonotonicTime) -> MonotonicTime? {
        guard let rate = settings.rate else { return now }
        let bitsPerSecond = Double(rate.bitsPerSecond)
        let waiting = Int(((freeAt - now).seconds * bitsPerSecond / 8).rounded()) + bytes
        guard waiting <= settings.queueLimit else { return nil }
        deepestQueue = max(deepestQueue, waiting)
        freeAt = max(freeAt, now) + .nanoseconds(Int64((Double(bytes) * 8e9 / bitsPerSecond).rounded()))
        return freeAt
    }
}
