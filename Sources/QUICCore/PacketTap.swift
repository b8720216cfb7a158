/// Looks at the plaintext of 1-RTT packets, before they are sealed and after they were opened, and counts what ngtcp2 0.12.1
/// doesn't tell.
///
/// At a fixed address, which the keys of a connection know (``PacketKey``). Everything here runs per packet: it takes a few
/// nanoseconds, no memory, and nothing that a peer sends can stop it.
package struct PacketTap: ~Copyable {
    /// Whether the 1-RTT keys lead here. They don't for QUIC versions other than 1, of which nothing is known then.
    var isInUse = false
    private(set) var counts = Counts()
    private(set) var sent = SentPackets()
    private(set) var ecn = ECNValidation()
    /// When the packets are sealed, monotonic nanoseconds.
    var now: UInt64 = 0
    /// ngtcp2 is about to read of packets that were acknowledged, and looks for lost ones then.
    private(set) var awaitsLosses = false
    /// Where the data sent on each stream ends, by ``place(of:)``.
    private let ends: UnsafeMutablePointer<UInt64>
    /// The key phase bit of the last packet sent (RFC 9001 §6).
    private var keyPhase: UInt8 = 0

    /// All since the connection began.
    struct Counts {
        /// 1-RTT packets sealed, and opened: also those that came twice.
        var packetsSent: UInt64 = 0
        var packetsReceived: UInt64 = 0
        /// STREAM data of data streams that had been sent before.
        var streamBytesResent: UInt64 = 0
        /// ACK frames that came, and the ack-eliciting packets that they acknowledged for the first time.
        var acksReceived: UInt64 = 0
        var packetsAcknowledged: UInt64 = 0
        /// Those of them that had been declared lost by then.
        var spuriousLosses: UInt64 = 0
        /// How often the keys for sending changed, whoever began.
        var keyUpdates: UInt64 = 0
    }

    private static let placeCount = 2 * (QUICConnection.streamLimit + 1)

    package init() {
        ends = .allocate(capacity: Self.placeCount)
        ends.initialize(repeating: 0, count: Self.placeCount)
    }

    deinit { ends.deallocate() }

    /// Without the bit that says who opened it: this end sends on its own unidirectional streams, and on the client's
    /// bidirectional ones. 0 is the control stream.
    @inline(__always)
    private static func place(of stream: UInt64) -> UInt64 { stream >> 1 }

    // MARK: Sending

    /// A packet about to be sealed, with its header as yet unprotected (RFC 9000 §17.3.1).
    @inline(__always)
    package mutating func willSeal(
        _ text: UnsafePointer<UInt8>, count: Int, header: UnsafePointer<UInt8>, headerCount: Int
    ) {
        guard headerCount > 1 else { return }
        counts.packetsSent &+= 1
        let phase = header[0] & 0x04
        if phase != keyPhase {
            keyPhase = phase
            counts.keyUpdates &+= 1
        }
        // Packet numbers follow one another: the last byte is enough to notice where one is left out.
        let ahead = header[headerCount - 1] &- UInt8(truncatingIfNeeded: sent.next)
        let isAckEliciting = readSent(text, count)
        sent.add(sent.next &+ UInt64(ahead), isAckEliciting: isAckEliciting, now: now)
    }

    /// - Returns: Whether the peer will acknowledge it soon (RFC 9002 §2).
    @inline(__always)
    private mutating func readSent(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var frames = FrameCursor(text, count: count)
        var isAckEliciting = false
        while let type = frames.nextType() {
            switch type {
            case 0x08...0x0f:
                isAckEliciting = true
                guard let frame = frames.stream(type: type) else { return true }
                took(frame)
            case 0x02, 0x03:
                guard frames.skipACK(type: type) else { return isAckEliciting }
            default:
                if type != 0x1c, type != 0x1d { isAckEliciting = true }
                guard frames.skipBody(type: type) else { return isAckEliciting }
            }
        }
        return isAckEliciting
    }

    @inline(__always)
    private mutating func took(_ frame: FrameCursor.Stream) {
        let place = Self.place(of: frame.id)
        guard place < UInt64(Self.placeCount), place != 0 else { return }
        let known = ends + Int(place)
        let end = frame.offset &+ frame.length
        if frame.offset < known.pointee {
            counts.streamBytesResent &+= min(end, known.pointee) &- frame.offset
        }
        if end > known.pointee { known.pointee = end }
    }

    /// The packets from number `first` on went out with ECT(0).
    @inline(__always)
    package mutating func marked(from first: UInt64) {
        ecn.sent &+= sent.next &- first
        sent.mark(from: first)
    }

    // MARK: Receiving

    /// A packet that was opened.
    @inline(__always)
    package mutating func didOpen(_ text: UnsafePointer<UInt8>, count: Int) {
        counts.packetsReceived &+= 1
        var frames = FrameCursor(text, count: count)
        while let type = frames.nextType() {
            switch type {
            case 0x08...0x0f: guard frames.stream(type: type) != nil else { return }
            case 0x02, 0x03: guard readACK(&frames, type: type) else { return }
            default: guard frames.skipBody(type: type) else { return }
            }
        }
    }

    /// RFC 9000 §19.3.
    ///
    /// - Returns: Whether it made sense.
    private mutating func readACK(_ frames: inout FrameCursor, type: UInt8) -> Bool {
        guard let largest = frames.integer(), frames.skipIntegers(1), var ranges = frames.integer(),
            var length = frames.integer(), length <= largest, largest < sent.next
        else { return false }
        counts.acksReceived &+= 1
        let isNewest = largest >= sent.acknowledgedUpTo
        var news = SentPackets.News()
        var first = largest &- length
        sent.acknowledge(first, largest, &news)
        while ranges > 0 {
            guard let gap = frames.integer(), let next = frames.integer(), gap &+ 2 <= first else { return false }
            let last = first &- gap &- 2
            length = next
            guard length <= last else { return false }
            first = last &- length
            sent.acknowledge(first, last, &news)
            ranges &-= 1
        }
        var reported: ECNValidation.Counts?
        if type == 0x03 {
            guard let ect0 = frames.integer(), let ect1 = frames.integer(), let ce = frames.integer() else {
                return false
            }
            reported = ECNValidation.Counts(ect0: ect0, ect1: ect1, ce: ce)
        }
        sent.settle(largest: largest, news)
        if news.packets > 0 { awaitsLosses = true }
        counts.packetsAcknowledged &+= UInt64(news.packets)
        counts.spuriousLosses &+= UInt64(news.late)
        if isNewest { ecn.acknowledged(marked: news.marked, reported) }
        return true
    }
}

extension PacketTap {
    /// Whether ngtcp2 may have declared packets lost by time: then ``settle(sentBefore:)`` is due.
    var hasGap: Bool { sent.hasGap }

    /// ngtcp2 has read the acknowledgements, and looked for packets sent so long ago.
    mutating func settle(sentBefore limit: UInt64) {
        awaitsLosses = false
        sent.settle(sentBefore: limit)
    }

    mutating func settle() { awaitsLosses = false }
}

extension FrameCursor {
    /// Passes over the body of an ACK frame that this end wrote.
    @inline(__always)
    fileprivate mutating func skipACK(type: UInt8) -> Bool {
        guard skipIntegers(2), var ranges = integer(), skipIntegers(1) else { return false }
        while ranges > 0 {
            guard skipIntegers(2) else { return false }
            ranges &-= 1
        }
        return type == 0x02 || skipIntegers(3)
    }
}
