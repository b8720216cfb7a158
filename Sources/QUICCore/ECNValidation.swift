/// Whether ECN marks reach the peer and it tells of them, by the ACK frames of 1-RTT packets (RFC 9000 §13.4.2.1).
///
/// ngtcp2 0.12.1 validates too, but once the handshake's packets have satisfied it, it doesn't look at the counts for 1-RTT
/// packets any more, and so never notices marks that begin to vanish.
struct ECNValidation {
    /// How many packets the peer said to have received with which codepoint (RFC 9000 §19.3.2).
    struct Counts: Equatable {
        var ect0: UInt64 = 0
        var ect1: UInt64 = 0
        var ce: UInt64 = 0
    }

    /// The newest. nil before the first.
    private(set) var reported: Counts?
    /// Packets sent with ECT(0).
    var sent: UInt64 = 0
    /// A marked packet was acknowledged, with counts that add up.
    private(set) var hasSucceeded = false
    /// Nothing may be marked any more.
    private(set) var hasFailed = false

    /// An ACK frame came that acknowledges a larger packet number than all before: only those tell, because frames may
    /// overtake each other.
    ///
    /// - Parameters:
    ///   - marked: The marked packets that it acknowledges for the first time, or fewer.
    ///   - counts: nil where the frame has none.
    mutating func acknowledged(marked: Int, _ counts: Counts?) {
        guard !hasFailed else { return }
        guard let counts else {
            if marked > 0 { hasFailed = true }
            return
        }
        let before = reported ?? Counts()
        guard counts.ect0 >= before.ect0, counts.ect1 == 0, counts.ce >= before.ce,
            // Each is below 2^62, so that the sums are as well.
            counts.ect0 &+ counts.ce <= sent,
            (counts.ect0 &- before.ect0) &+ (counts.ce &- before.ce) >= UInt64(marked)
        else {
            hasFailed = true
            return
        }
        reported = counts
        if marked > 0 { hasSucceeded = true }
    }
}
