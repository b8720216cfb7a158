internal import CQrateNgtcp2
package import QrateMeasurement

extension QUICConnection {
    /// Client: opens the control stream, bidirectional stream 0.
    package func openControl() throws(QUICError) {
        var id: Int64 = -1
        try QUICError.check(
            ngtcp2_conn_open_bidi_stream(state.pointee.conn, &id, nil), "opening the control stream")
        isControlOpen = true
    }

    /// Queues bytes on the control stream; they go out ahead of payload, once the stream is there.
    package func sendControl(_ bytes: [UInt8]) { control.append(bytes) }

    package func finishControl() { control.finish() }

    /// Control bytes queued or sent that the peer hasn't acknowledged.
    package var unacknowledgedControl: Int { control.unacknowledged }

    /// Called by the library.
    func controlAcknowledged(upTo offset: UInt64) { control.acknowledged(upTo: offset) }

    /// How many unidirectional streams the peer lets this end open now.
    package var availableStreams: Int {
        Int(clamping: ngtcp2_conn_get_streams_uni_left(state.pointee.conn))
    }

    /// Whether payload can begin on `streams` data streams: the peer allows them or, at a server whose client opens
    /// them, the first has come.
    package func canStartPayload(streams: Int, kind: DataStreamKind) -> Bool {
        switch (kind, role) {
        case (.unidirectional, _): availableStreams >= streams
        case (.bidirectional, .client):
            Int(clamping: ngtcp2_conn_get_streams_bidi_left(state.pointee.conn)) >= streams
        case (.bidirectional, .server): !openedByPeer.isEmpty
        }
    }

    /// Opens `streams` data streams and sends payload on them until the budget or the time is used up.
    ///
    /// Stream index N is the Nth unidirectional stream of this end: QUIC stream IDs 2, 6, 10... at a client and 3, 7,
    /// 11... at a server. Where both ends send, it is the client's Nth bidirectional stream after control: 4, 8, 12...
    /// at both; a server sends on each of them from when the client has opened it.
    ///
    /// - Parameters:
    ///   - streams: As many as ``canStartPayload(streams:kind:)`` holds for.
    ///   - byteBudget: Shared by all streams; nil for no limit.
    ///   - duration: Counted from `now`; nil for no limit.
    package func startPayload(
        streams: Int, kind: DataStreamKind = .unidirectional, content: PayloadContent = .random, byteBudget: UInt64?,
        duration: Duration?, now: MonotonicTime
    ) throws(QUICError) {
        let count = max(0, min(streams, Self.streamLimit))
        bulkIDs =
            kind == .bidirectional && role == .server
            ? (0..<count).map { Int64($0 + 1) << 2 } : try openStreams(count, kind)
        payload = PayloadPattern.block(of: content)
        bulk = BulkSender(
            streamIDs: bulkIDs, byteBudget: byteBudget, deadline: duration.map { (now + $0).nanoseconds })
        if kind == .bidirectional, role == .server {
            let opened = openedByPeer
            bulk?.await { opened.contains($0) }
        }
    }

    private func openStreams(_ count: Int, _ kind: DataStreamKind) throws(QUICError) -> [Int64] {
        var ids: [Int64] = []
        for _ in 0..<count {
            var id: Int64 = -1
            switch kind {
            case .unidirectional:
                try QUICError.check(ngtcp2_conn_open_uni_stream(state.pointee.conn, &id, nil), "opening a data stream")
            case .bidirectional:
                try QUICError.check(
                    ngtcp2_conn_open_bidi_stream(state.pointee.conn, &id, nil), "opening a data stream")
                raiseCredit(ofBidirectional: id)
            }
            ids.append(id)
        }
        return ids
    }

    /// Payload that may be handed to the library now, over all streams: its owner paces by it. No limit at first.
    package var payloadAllowance: UInt64 {
        get { bulk?.allowance ?? .max }
        set { bulk?.allowance = newValue }
    }

    /// Sends no payload from `now` on, or goes on; the time of a pause doesn't count for the duration.
    package func setPayloadPaused(_ isPaused: Bool, now: MonotonicTime) {
        bulk?.setPaused(isPaused, now: now.nanoseconds)
    }

    /// No more payload. In order: what was handed over still arrives, then each stream ends.
    package func finishPayload() { bulk?.finish() }

    /// No more payload, and what is on its way is dropped: RESET_STREAM on each stream (RFC 9000 §19.4).
    package func abortPayload() {
        guard phase == .open else { return }
        bulk?.abandon()
        for id in bulkIDs {
            // Nothing happens to a stream that has wholly arrived.
            _ = ngtcp2_conn_shutdown_stream_write(state.pointee.conn, id, 0)
        }
    }

    /// Whether everything was handed to the library and each stream was ended; nil when nothing was ever started.
    package var isPayloadSent: Bool? {
        guard bulk != nil else { return nil }
        return bulk?.phase == .done
    }

    /// Payload handed to the library, per data stream.
    package var sent: [UInt64]? { bulk == nil ? nil : bulk?.sent }
    package var sentTotal: UInt64 { bulk?.sentTotal ?? 0 }

    /// How long before the deadline a peer may stop a stream and have it count as the end: two clocks, one test.
    package static let stopTolerance = Duration.milliseconds(250)

    /// The peer wants no more of this stream: STOP_SENDING (RFC 9000 §19.5).
    func streamStopped(_ stream: UnsafeMutablePointer<BulkSender.Stream>, _ now: UInt64) {
        let isEarly = bulk?.isEarly(now, tolerance: Self.stopTolerance.nanoseconds) ?? false
        bulk?.ended(stream)
        if isEarly { record(.payloadStopped) }
    }

    /// Called by the library: the peer reset a stream. One that it never used can't be sent on either.
    func dataStreamReset(_ stream: Int64) {
        if stream & 3 == 0, role == .server, !openedByPeer.contains(stream) { bulk?.abandonAwaited(stream) }
    }

    /// Before each batch: has the time run out, has credit come?
    func prepareBulk(_ now: UInt64) {
        guard bulk != nil else { return }
        bulk?.checkDeadline(now)
        guard state.pointee.creditArrived else { return }
        state.pointee.creditArrived = false
        bulk?.unblock()
    }

    /// New keys for both directions (RFC 9001 §6). The library also does it by itself every 2^23 packets.
    ///
    /// - Throws: Before the handshake is confirmed, and until three probe timeouts after the last update was.
    package func initiateKeyUpdate(now: MonotonicTime) throws(QUICError) {
        // The library aborts the process when asked at any other time.
        guard phase == .open, isHandshakeConfirmed else {
            throw .ngtcp2(NGTCP2_ERR_INVALID_STATE, "updating keys")
        }
        try QUICError.check(
            ngtcp2_conn_initiate_key_update(state.pointee.conn, now.nanoseconds), "updating keys")
    }
}
