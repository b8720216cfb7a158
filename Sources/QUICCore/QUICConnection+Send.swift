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

    /// How many data streams the peer lets this end open now.
    package var availableStreams: Int {
        Int(clamping: ngtcp2_conn_get_streams_uni_left(state.pointee.conn))
    }

    /// Opens `streams` data streams and sends payload on them until the budget or the time is used up.
    ///
    /// Stream index N is the Nth unidirectional stream of this end: QUIC stream IDs 2, 6, 10... at a client and 3, 7,
    /// 11... at a server.
    ///
    /// - Parameters:
    ///   - streams: At most ``availableStreams``.
    ///   - byteBudget: Shared by all streams; nil for no limit.
    ///   - duration: Counted from `now`; nil for no limit.
    package func startPayload(
        streams: Int, byteBudget: UInt64?, duration: Duration?, now: MonotonicTime
    ) throws(QUICError) {
        var ids: [Int64] = []
        for _ in 0..<max(0, min(streams, Self.streamLimit)) {
            var id: Int64 = -1
            try QUICError.check(ngtcp2_conn_open_uni_stream(state.pointee.conn, &id, nil), "opening a data stream")
            ids.append(id)
        }
        bulkIDs = ids
        bulk = BulkSender(
            streamIDs: ids, byteBudget: byteBudget, deadline: duration.map { (now + $0).nanoseconds })
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

    /// When payload stops being due; nil when none is being sent.
    var bulkDeadline: UInt64? {
        guard bulk?.phase == .sending, let deadline = bulk?.deadline, deadline != .max else { return nil }
        return deadline
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
