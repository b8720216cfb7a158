import QrateMeasurement

/// What one end counted of a connection's packets. The keys are those of the control protocol.
struct QUICPacketsDocument: Encodable {
    var sent: UInt64?
    var received: UInt64?
    var acknowledged: UInt64?
    var acksReceived: UInt64?
    var acknowledgedPerACK: Double?
    var streamBytesResent: UInt64?
    var spuriousLosses: UInt64?
    var probeTimeouts: UInt64?
    var keyUpdates: UInt64?
    var ect0Reported: UInt64?
    var ect1Reported: UInt64?
    var ceReported: UInt64?
    var isECNValidated: Bool?

    enum CodingKeys: String, CodingKey {
        case sent, received, acknowledged
        case acksReceived = "ack_frames_received"
        case acknowledgedPerACK = "acknowledged_per_ack_frame"
        case streamBytesResent = "stream_bytes_resent"
        case spuriousLosses = "spurious_losses"
        case probeTimeouts = "probe_timeouts"
        case keyUpdates = "key_updates"
        case ect0Reported = "ect0_reported"
        case ect1Reported = "ect1_reported"
        case ceReported = "ce_reported"
        case isECNValidated = "ecn_validated"
    }

    init(_ counts: QUICPacketCounts) {
        sent = counts.sent
        received = counts.received
        acknowledged = counts.acknowledged
        acksReceived = counts.acksReceived
        acknowledgedPerACK = counts.acknowledgedPerACK?.inHundredths
        streamBytesResent = counts.streamBytesResent
        spuriousLosses = counts.spuriousLosses
        probeTimeouts = counts.probeTimeouts
        keyUpdates = counts.keyUpdates
        ect0Reported = counts.ect0Reported
        ect1Reported = counts.ect1Reported
        ceReported = counts.ceReported
        isECNValidated = counts.isECNValidated
    }
}

extension Double {
    /// A ratio without digits that mean nothing.
    var inHundredths: Double { (self * 100).rounded() / 100 }
}
