package import QrateMeasurement

/// ``QrateMeasurement/QUICPacketCounts`` on the wire. Absent is "not measured".
package struct WireQUICPackets: Sendable, Equatable, Codable {
    package var sent: UInt64?
    package var received: UInt64?
    package var acknowledged: UInt64?
    package var acksReceived: UInt64?
    package var streamBytesResent: UInt64?
    package var spuriousLosses: UInt64?
    package var probeTimeouts: UInt64?
    package var keyUpdates: UInt64?
    package var ect0Reported: UInt64?
    package var ect1Reported: UInt64?
    package var ceReported: UInt64?
    package var isECNValidated: Bool?

    enum CodingKeys: String, CodingKey {
        case sent, received, acknowledged
        case acksReceived = "ack_frames_received"
        case streamBytesResent = "stream_bytes_resent"
        case spuriousLosses = "spurious_losses"
        case probeTimeouts = "probe_timeouts"
        case keyUpdates = "key_updates"
        case ect0Reported = "ect0_reported"
        case ect1Reported = "ect1_reported"
        case ceReported = "ce_reported"
        case isECNValidated = "ecn_validated"
    }

    package init(_ counts: QUICPacketCounts) {
        sent = counts.sent
        received = counts.received
        acknowledged = counts.acknowledged
        acksReceived = counts.acksReceived
        streamBytesResent = counts.streamBytesResent
        spuriousLosses = counts.spuriousLosses
        probeTimeouts = counts.probeTimeouts
        keyUpdates = counts.keyUpdates
        ect0Reported = counts.ect0Reported
        ect1Reported = counts.ect1Reported
        ceReported = counts.ceReported
        isECNValidated = counts.isECNValidated
    }

    package var counts: QUICPacketCounts {
        var counts = QUICPacketCounts()
        counts.sent = sent
        counts.received = received
        counts.acknowledged = acknowledged
        counts.acksReceived = acksReceived
        counts.streamBytesResent = streamBytesResent
        counts.spuriousLosses = spuriousLosses
        counts.probeTimeouts = probeTimeouts
        counts.keyUpdates = keyUpdates
        counts.ect0Reported = ect0Reported
        counts.ect1Reported = ect1Reported
        counts.ceReported = ceReported
        counts.isECNValidated = isECNValidated
        return counts
    }
}
