internal import CQrateNgtcp2
package import QrateMeasurement

extension QUICConnection {
    /// Takes a run of UDP datagrams that came from the peer together, or one alone. Each may hold several packets
    /// (RFC 9000 §12.2).
    ///
    /// Poll for datagrams to send afterwards: acknowledgements may be due.
    ///
    /// - Parameters:
    ///   - datagrams: The UDP payloads one behind the other, borrowed for the call.
    ///   - segmentSize: The size of each but the last, which may be shorter; nil when there is one.
    ///   - local: The sockaddr that they came to, and `remote` the one that they came from, as these datagrams had them.
    ///   - ecn: The ECN bits of their IP headers.
    ///   - now: Never less than in an earlier call.
    package func handleDatagrams(
        _ datagrams: UnsafeRawBufferPointer, segmentSize: Int? = nil, local: UnsafeRawBufferPointer,
        remote: UnsafeRawBufferPointer, ecn: UInt8, now: MonotonicTime
    ) {
        var path = Self.rawPath(local, remote)
        var info = ngtcp2_pkt_info(ecn: UInt32(ecn))
        state.pointee.receivedAt = now.nanoseconds
        let size = max(segmentSize ?? datagrams.count, 1)
        var offset = 0
        while offset < datagrams.count {
            let count = min(size, datagrams.count - offset)
            let bytes = datagrams.baseAddress.map { ($0 + offset).assumingMemoryBound(to: UInt8.self) }
            offset += count
            counters.datagramsReceived &+= 1
            guard phase == .open else {
                answerStray()
                continue
            }
            let result = ngtcp2_conn_read_pkt_versioned(
                state.pointee.conn, &path, NGTCP2_PKT_INFO_VERSION, &info, bytes, count, now.nanoseconds)
            if result != 0, phase == .open { fail(result, "reading a packet", now: now.nanoseconds) }
            if state.pointee.tap.pointee.awaitsLosses { noteLosses(now.nanoseconds) }
        }
    }

    /// The library has just looked for packets that are lost because they were sent long ago (RFC 9002 §6.1.2), and doesn't
    /// tell: by its round-trip times it can be told which they are.
    private func noteLosses(_ now: UInt64) {
        let tap = state.pointee.tap
        guard tap.pointee.hasGap else { return tap.pointee.settle() }
        var raw = ngtcp2_conn_stat()
        ngtcp2_conn_get_conn_stat_versioned(state.pointee.conn, NGTCP2_CONN_STAT_VERSION, &raw)
        // The library's own kTimeThreshold and kGranularity.
        let delay = max(max(raw.latest_rtt, raw.smoothed_rtt) &* 9 / 8, 1_000_000)
        tap.pointee.settle(sentBefore: now &- min(now, delay))
    }

    /// The peer hasn't seen our CONNECTION_CLOSE. It is repeated, but at 1, 2, 4, 8... datagrams only.
    private func answerStray() {
        guard phase == .closing else { return }
        strays &+= 1
        if strays & (strays &- 1) == 0 { repeatsClose = true }
    }

    /// The time of ``expiry`` has come.
    package func handleExpiry(now: MonotonicTime) {
        switch phase {
        case .closing, .draining:
            if now.nanoseconds >= closingUntil { phase = .ended }
        case .closePending, .ended: break
        case .open:
            guard now.nanoseconds >= ngtcp2_conn_get_expiry(state.pointee.conn) else { return }
            let before = probeTimeoutsInARow
            let result = ngtcp2_conn_handle_expiry(state.pointee.conn, now.nanoseconds)
            if probeTimeoutsInARow > before { counters.probeTimeouts &+= 1 }
            noteLosses(now.nanoseconds)
            if result != 0 { fail(result, "handling a timer", now: now.nanoseconds) }
        }
    }

    /// RFC 9002 §A.3's pto_count.
    private var probeTimeoutsInARow: Int {
        var raw = ngtcp2_conn_stat()
        ngtcp2_conn_get_conn_stat_versioned(state.pointee.conn, NGTCP2_CONN_STAT_VERSION, &raw)
        return raw.pto_count
    }

    /// When ``handleExpiry(now:)`` must be called, or payload stops being due.
    package var expiry: MonotonicTime {
        switch phase {
        case .open:
            let timer = ngtcp2_conn_get_expiry(state.pointee.conn)
            guard let deadline = bulk?.timer else { return MonotonicTime(nanoseconds: timer) }
            return MonotonicTime(nanoseconds: min(timer, deadline))
        case .closePending: return MonotonicTime(nanoseconds: 0)
        case .closing, .draining: return MonotonicTime(nanoseconds: closingUntil)
        case .ended: return .never
        }
    }

    // MARK: The control stream

    /// Called by the library.
    func receivedControl(_ bytes: UnsafeRawBufferPointer, stream: Int64, isLast: Bool) -> Int32 {
        // No other stream of which this end is neither the sender nor a receiver of payload can come into being.
        guard stream == Self.controlStream else { return NGTCP2_ERR_CALLBACK_FAILURE }
        if !bytes.isEmpty { record(.control(Array(bytes))) }
        if isLast { record(.controlEnded) }
        return 0
    }

    /// Gives the peer credit for control bytes that were taken. Until then they count against 256 KiB.
    package func consumedControl(_ count: Int) {
        guard phase == .open else { return }
        _ = ngtcp2_conn_extend_max_stream_offset(state.pointee.conn, Self.controlStream, UInt64(count))
        ngtcp2_conn_extend_max_offset(state.pointee.conn, UInt64(count))
    }

    // MARK: Payload

    /// Lets the peer send a test's worth of data on `streams` data streams. A second call changes nothing: streams are
    /// counted by their place in ``received``, which has room for one test.
    ///
    /// - Parameter kind: Unidirectional ones, or those on which both ends send: these the client opens.
    package func allowPayload(streams: Int, kind: DataStreamKind = .unidirectional) {
        guard phase == .open, !hasAllowedPayload else { return }
        hasAllowedPayload = true
        state.pointee.makeSink()
        let count = max(0, min(streams, Self.streamLimit))
        switch (kind, role) {
        case (.unidirectional, _): ngtcp2_conn_extend_max_streams_uni(state.pointee.conn, count)
        case (.bidirectional, .server): ngtcp2_conn_extend_max_streams_bidi(state.pointee.conn, count)
        case (.bidirectional, .client): break
        }
        ngtcp2_conn_extend_max_offset(state.pointee.conn, settings.testCredit)
    }

    /// A bidirectional stream begins with the credit of a control stream; as a data stream it gets more.
    func raiseCredit(ofBidirectional stream: Int64) {
        let missing = settings.streamWindow &- min(settings.streamWindow, settings.controlStreamWindow)
        if missing > 0 { _ = ngtcp2_conn_extend_max_stream_offset(state.pointee.conn, stream, missing) }
    }

    /// Payload bytes received so far, per data stream in the order of their IDs. Valid as long as the connection.
    package var received: UnsafeBufferPointer<UInt64> {
        UnsafeBufferPointer(start: state.pointee.received, count: Self.streamLimit)
    }

    package var receivedTotal: UInt64 { state.pointee.receivedTotal }
    /// Data streams that the peer ended in order, and that it reset.
    package var finishedStreams: Int { state.pointee.finishedStreams }
    package var resetStreams: Int { state.pointee.resetStreams }
}
