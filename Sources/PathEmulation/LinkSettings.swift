package import QrateMeasurement

/// What one direction of an emulated path does to packets.
package struct LinkSettings: Hashable, Sendable {
    /// From the moment a packet has left the link until it arrives.
    package var delay = Duration.zero
    /// Up to so much more delay, drawn anew for each packet. Packets stay in order; use ``reordering`` for disorder.
    package var jitter = Duration.zero
    /// The share of packets, 0 to 1, that vanish, each independently of the others.
    package var loss = 0.0
    /// Packets vanish in runs besides.
    package var bursts: Bursts?
    /// What the link carries at most, IP headers included; nil for any rate.
    package var rate: Bitrate?
    /// How many bytes may wait for the link, the packet that is being sent included. Only a ``rate`` makes them wait.
    package var queueLimit = Self.usualQueueLimit
    /// The share of UDP packets, 0 to 1, that vanish: as of a firewall that doesn't like them.
    package var udpLoss = 0.0
    /// What of UDP is let through at most, IP headers included; the rest vanishes without waiting. nil for all of it.
    package var udpRate: Bitrate?
    /// The share of packets that are held back, so that those behind overtake them.
    package var reordering = 0.0
    /// How long a packet is held back.
    package var holdBack = Self.usualHoldBack
    /// The share of packets that arrive twice.
    package var duplication = 0.0

    /// Losses in runs, by the two-state model of Gilbert ("Capacity of a burst-noise channel", 1960): while the link is
    /// in its bad state, nothing gets through.
    package struct Bursts: Hashable, Sendable {
        /// The chance of each packet to begin a run, 0 to 1.
        package var start: Double
        /// Packets that a run takes on average, at least 1.
        package var meanLength: Double

        package init(start: Double, meanLength: Double) {
            self.start = start
            self.meanLength = meanLength
        }
    }

    /// 40 ms at 100 Mbit/s: one round trip's worth on the path that most tests use.
    package static let usualQueueLimit = 500_000
    /// How many bytes of UDP ``LinkSettings/udpRate`` lets through at once, after a time without any.
    package static let udpBurst = 50_000
    /// Long enough that some packets overtake at 10 Mbit/s, where 1500 bytes take 1.2 ms.
    package static let usualHoldBack = Duration.milliseconds(5)

    package init() {}
}

/// An emulated path: two directions, and what they share.
package struct PathSettings: Hashable, Sendable {
    /// From the client's namespace to the server's.
    package var upload = LinkSettings()
    package var download = LinkSettings()
    /// Of both devices, in bytes: the largest IP packet.
    package var mtu = 1500
    /// Of all draws: the same seed makes the same decisions about the n-th packet of a direction.
    package var seed: UInt64 = 1
    /// UDP datagrams with so many bytes of payload or more are counted apart from the rest, as data.
    package var dataBytes: Int?
    /// Only data is lost at random or in bursts, held back, doubled and delayed unevenly; it shares the link, its queue and
    /// its delay with the rest. The fate of the n-th datagram then doesn't depend on what else goes over the path.
    package var damagesDataOnly = false

    package init() {}

    /// Both directions alike.
    package init(_ link: LinkSettings) {
        upload = link
        download = link
    }
}
