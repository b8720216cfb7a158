/// What became of a direction's packets, or of some of them.
///
/// ``received`` is the sum of ``sent``, ``lostAtRandom``, ``lostInBursts``, ``policed``, ``queueDrops``,
/// ``overruns`` and ``waiting``.
package struct LinkCounters: Hashable, Sendable, Codable {
    /// Packets that came into the link, and their bytes with IP headers.
    package var received: UInt64 = 0
    package var receivedBytes: UInt64 = 0
    /// Packets that came out; copies are counted in ``duplicated`` alone.
    package var sent: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var lostAtRandom: UInt64 = 0
    package var lostInBursts: UInt64 = 0
    package var queueDrops: UInt64 = 0
    /// UDP beyond the rate that is allowed.
    package var policed: UInt64 = 0
    /// Lost by the emulator itself, which had no room for more packets: nothing that was asked of it. A test that counts
    /// packets checks that it is 0.
    package var overruns: UInt64 = 0
    /// On their way.
    package var waiting: UInt64 = 0
    /// Copies that came out.
    package var duplicated: UInt64 = 0
    /// Packets, not copies, that came out behind one which went in later.
    package var reordered: UInt64 = 0

    /// The last packet, by number, that has come out of the link.
    private var latest: UInt64?

    package init() {}

    /// Lost on purpose, in any way.
    package var lost: UInt64 { lostAtRandom + lostInBursts + policed + queueDrops }

    package mutating func countReceived(bytes: Int, _ fate: PacketFate) {
        received += 1
        receivedBytes += UInt64(bytes)
        switch fate {
        case .lostAtRandom: lostAtRandom += 1
        case .lostInBurst: lostInBursts += 1
        case .policed: policed += 1
        case .droppedByQueue: queueDrops += 1
        case .carried: waiting += 1
        }
    }

    /// - Parameter number: Of the packet, in the order in which packets went in.
    package mutating func countSent(bytes: Int, number: UInt64, isCopy: Bool) {
        guard !isCopy else {
            duplicated += 1
            return
        }
        waiting -= 1
        sent += 1
        sentBytes += UInt64(bytes)
        if let latest, number < latest { reordered += 1 } else { latest = number }
    }

    /// A packet that was to be carried and found no room.
    package mutating func countOverrun() {
        waiting -= 1
        overruns += 1
    }

    private enum CodingKeys: String, CodingKey {
        case received, sent, overruns, waiting, duplicated, reordered, policed
        case receivedBytes = "received_bytes"
        case sentBytes = "sent_bytes"
        case lostAtRandom = "lost_at_random"
        case lostInBursts = "lost_in_bursts"
        case queueDrops = "queue_drops"
    }
}

/// What the emulator tells of one direction.
package struct LinkReport: Hashable, Sendable, Codable {
    package var packets = LinkCounters()
    /// Of ``packets``, the UDP datagrams of ``PathSettings/dataBytes`` and more; nil when no size was given.
    package var data: LinkCounters?
    /// The most bytes that ever waited for the link.
    package var deepestQueueBytes = 0
    /// Packets that were dropped before the emulator saw them, because it was too slow; nil when that can't be told. A
    /// test that counts packets checks that it is 0.
    package var droppedByDevice: UInt64?

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case packets, data
        case deepestQueueBytes = "deepest_queue_bytes"
        case droppedByDevice = "dropped_by_device"
    }
}

/// One line of what the emulator prints.
package struct PathEvent: Hashable, Sendable, Codable {
    package var event: Kind
    /// With `ready`: how to get into the two namespaces.
    package var client: End?
    package var server: End?
    /// With `counters` and `ended`: of the two directions.
    package var upload: LinkReport?
    package var download: LinkReport?

    package enum Kind: String, Hashable, Sendable, Codable {
        /// Both devices are up.
        case ready
        /// In answer to SIGUSR1.
        case counters
        case ended
    }

    /// A network namespace, as long as the emulator runs.
    package struct End: Hashable, Sendable, Codable {
        /// A file that stands for it, as `nsenter --net=` takes it.
        package var namespace: String
        package var address: String
        /// nil where the kernel or the MTU forbids IPv6.
        package var addressV6: String?

        package init(namespace: String, address: String, addressV6: String?) {
            self.namespace = namespace
            self.address = address
            self.addressV6 = addressV6
        }

        private enum CodingKeys: String, CodingKey {
            case namespace, address
            case addressV6 = "address_v6"
        }
    }

    package init(_ event: Kind) { self.event = event }
}
