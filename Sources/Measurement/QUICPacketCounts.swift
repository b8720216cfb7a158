/// What one end of QUIC connections counted of their packets, since `start`. nil is "not measured".
///
/// Packets are 1-RTT packets (RFC 9000 §17.3.1), which carry everything but the handshake.
public struct QUICPacketCounts: Sendable, Hashable {
    /// Packets sent, and packets received: also those that came twice.
    public var sent: UInt64?
    public var received: UInt64?
    /// Ack-eliciting packets (RFC 9002 §2) of this end that the peer acknowledged.
    public var acknowledged: UInt64?
    /// ACK frames that came (RFC 9000 §19.3).
    public var acksReceived: UInt64?
    /// Bytes of data streams that had been sent before.
    public var streamBytesResent: UInt64?
    /// Packets that the sender had declared lost (RFC 9002 §6.1), and that were acknowledged later on: at least so many.
    public var spuriousLosses: UInt64?
    /// How often the probe timeout expired (RFC 9002 §6.2), in the handshake too.
    public var probeTimeouts: UInt64?
    /// How often the keys changed (RFC 9001 §6), whichever end began.
    public var keyUpdates: UInt64?
    /// Packets that the peer said to have received marked ECT(0), ECT(1) and CE (RFC 9000 §19.3.2).
    public var ect0Reported: UInt64?
    public var ect1Reported: UInt64?
    public var ceReported: UInt64?
    /// Whether this end's marks were found to survive the path (RFC 9000 §13.4.2): a state. nil while that is open.
    public var isECNValidated: Bool?

    public init() {}

    /// The mean number of packets that an ACK frame acknowledged; nil without any.
    public var acknowledgedPerACK: Double? {
        guard let acknowledged, let acksReceived, acksReceived > 0 else { return nil }
        return Double(acknowledged) / Double(acksReceived)
    }

    /// Each count, without states: for who adds or subtracts all of them.
    public static var counts: [WritableKeyPath<QUICPacketCounts, UInt64?>] {
        [
            \.sent, \.received, \.acknowledged, \.acksReceived, \.streamBytesResent, \.spuriousLosses, \.probeTimeouts,
            \.keyUpdates, \.ect0Reported, \.ect1Reported, \.ceReported,
        ]
    }

    /// What was counted since; a count that ran backwards, as a peer's may, is a growth of nothing.
    public func since(_ before: QUICPacketCounts?) -> QUICPacketCounts {
        guard let before else { return self }
        var growth = self
        for count in Self.counts {
            growth[keyPath: count] = self[keyPath: count].map { $0 - min($0, before[keyPath: count] ?? 0) }
        }
        return growth
    }

    /// Of several connections together. A count that one of them hasn't got isn't known of all.
    public static func sum(_ each: [QUICPacketCounts]) -> QUICPacketCounts? {
        guard var sum = each.first else { return nil }
        for other in each.dropFirst() {
            for count in counts {
                guard let here = sum[keyPath: count], let there = other[keyPath: count] else {
                    sum[keyPath: count] = nil
                    continue
                }
                sum[keyPath: count] = here &+ there
            }
        }
        let validated = each.map(\.isECNValidated)
        sum.isECNValidated = validated.contains(false) ? false : validated.contains(nil) ? nil : true
        return sum
    }
}
