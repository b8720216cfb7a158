internal import CQrateNgtcp2
package import QrateMeasurement
package import QrateSecurity

extension QUICConnection {
    /// The path as the library sees it now (names of RFC 9002).
    package func pathMetrics() -> QUICPathMetrics {
        var raw = ngtcp2_conn_stat()
        ngtcp2_conn_get_conn_stat_versioned(state.pointee.conn, NGTCP2_CONN_STAT_VERSION, &raw)
        var metrics = QUICPathMetrics()
        if raw.first_rtt_sample_ts != .max {
            metrics.smoothedRTT = .nanoseconds(Int64(clamping: raw.smoothed_rtt))
            metrics.latestRTT = .nanoseconds(Int64(clamping: raw.latest_rtt))
            metrics.minRTT = .nanoseconds(Int64(clamping: raw.min_rtt))
            metrics.rttVariation = .nanoseconds(Int64(clamping: raw.rttvar))
        }
        metrics.congestionWindow = ByteCount(raw.cwnd)
        metrics.bytesInFlight = ByteCount(raw.bytes_in_flight)
        if raw.ssthresh != .max { metrics.slowStartThreshold = ByteCount(raw.ssthresh) }
        // Of packets with datagrams the library tells nothing that costs nothing; their receiver counts what is missing.
        if bulk != nil, datagrams == nil { metrics.streamPacketsLost = streamPacketsLost }
        metrics.datagramsSent = counters.datagramsSent
        metrics.datagramsReceived = counters.datagramsReceived
        // Of a driver that has no such calls there is nothing to tell.
        if counters.sendCalls > 0 {
            metrics.sendCalls = counters.sendCalls
            metrics.sendDrops = counters.sendDrops
        }
        metrics.maxUDPPayload = ByteCount(
            UInt64(ngtcp2_conn_get_path_max_tx_udp_payload_size(state.pointee.conn)))
        // Datagrams know no flow control (RFC 9221 §5.3).
        if bulk != nil, datagrams == nil {
            metrics.connectionCredit = ByteCount(ngtcp2_conn_get_max_data_left(state.pointee.conn))
            metrics.streamCredit = leastStreamCredit
        }
        metrics.packets = packetCounts
        return metrics
    }

    /// What goes through the tap, and the timer that runs out.
    private var packetCounts: QUICPacketCounts? {
        let tap = state.pointee.tap
        guard tap.pointee.isInUse else { return nil }
        let counted = tap.pointee.counts
        var counts = QUICPacketCounts()
        counts.sent = counted.packetsSent
        counts.received = counted.packetsReceived
        counts.acknowledged = counted.packetsAcknowledged
        counts.acksReceived = counted.acksReceived
        counts.streamBytesResent = counted.streamBytesResent
        counts.spuriousLosses = counted.spuriousLosses
        counts.probeTimeouts = counters.probeTimeouts
        counts.keyUpdates = counted.keyUpdates
        let reported = tap.pointee.ecn.reported
        counts.ect0Reported = reported?.ect0
        counts.ect1Reported = reported?.ect1
        counts.ceReported = reported?.ce
        counts.isECNValidated = ecnValidated
        return counts
    }

    /// Of the data streams that aren't ended; nil when there is none.
    private var leastStreamCredit: ByteCount? {
        bulk?.openStreams.map { ngtcp2_conn_get_max_stream_data_left(state.pointee.conn, $0) }.min().map {
            ByteCount($0)
        }
    }

    /// The driver hands what ``pollTransmit(into:limit:now:)`` gave last to the system in so many calls.
    package func countSendCalls(_ count: Int) { counters.sendCalls &+= UInt64(clamping: count) }

    /// Datagrams sent and received since the connection began.
    package var datagramsMoved: UInt64 { counters.datagramsSent &+ counters.datagramsReceived }
    /// The system had no room for so many of the datagrams that ``pollTransmit(into:limit:now:)`` gave.
    package func countSendDrops(_ count: Int) { counters.sendDrops &+= UInt64(clamping: count) }

    /// Packets declared lost that carried data of a stream which this end sent. The library counts no others.
    private var streamPacketsLost: UInt64 {
        bulkIDs.reduce(state.pointee.lostOnClosedStreams) { sum, id in
            sum &+ UInt64(ngtcp2_conn_get_stream_loss_count(state.pointee.conn, id))
        }
    }

    /// Whether ECN marks were found to survive the path to the peer; nil while that is open.
    ///
    /// By the counts that come in the peer's ACK frames (``ECNValidation``). ngtcp2 0.12.1 marks its first ten packets,
    /// waits for the peer's counts, and goes on marking only if they add up (RFC 9000 §A.4): so many packets without marks
    /// mean no as well.
    package var ecnValidated: Bool? {
        let hasFailed = state.pointee.tap.pointee.ecn.hasFailed
        guard settings.usesECN, !hasFailed, counters.unmarkedSince <= 90 else { return false }
        return state.pointee.tap.pointee.ecn.hasSucceeded ? true : nil
    }

    /// What the handshake agreed on; nil before it is complete.
    package var cipher: String? { isHandshakeComplete ? tls?.cipher : nil }
    /// Who seals and opens 1-RTT packets; nil before the handshake is complete.
    package var aead: AEADLibrary? { isHandshakeComplete ? state.pointee.aead : nil }
    package var applicationProtocol: String? { isHandshakeComplete ? tls?.applicationProtocol : nil }
    /// Whether the TLS session is that of an earlier connection.
    package var isResumed: Bool? { isHandshakeComplete ? tls?.isResumed : nil }
    /// How this client judged the server's certificate; nil before it came, and at a server.
    /// Where a session was resumed, it is that which the session began with.
    package var verdict: TrustVerdict? { tls?.verdict }
    /// Why this server refused the client's certificate, or its lack of one; nil as long as it hasn't, and at a client.
    package var clientRefusal: ClientRefusal? { tls?.clientRefusal }
    package var congestionController: CongestionController { settings.congestionController }
}
