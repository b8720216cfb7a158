internal import CQrateNgtcp2
package import QrateMeasurement

extension QUICConnection {
    /// Takes one UDP datagram that came from the peer; it may hold several packets (RFC 9000 §12.2).
    ///
    /// Poll for datagrams to send afterwards: acknowledgements may be due.
    ///
    /// - Parameters:
    ///   - datagram: The UDP payload, borrowed for the call.
    ///   - local: The sockaddr that it came to, and `remote` the one that it came from, as this datagram had them.
    ///   - ecn: The ECN bits of its IP header.
    ///   - now: Never less than in an earlier call.
    package func handleDatagram(
        _ datagram: UnsafeRawBufferPointer, local: UnsafeRawBufferPointer, remote: UnsafeRawBufferPointer, ecn: UInt8,
        now: MonotonicTime
    ) {
        counters.datagramsReceived &+= 1
        switch phase {
        case .open, .closePending: break
        case .closing:
            // The peer hasn't seen our CONNECTION_CLOSE. Repeat it, but at 1, 2, 4, 8... datagrams only.
            strays &+= 1
            if strays & (strays &- 1) == 0 { repeatsClose = true }
            return
        case .draining, .ended: return
        }
        var path = Self.rawPath(local, remote)
        var info = ngtcp2_pkt_info(ecn: UInt32(ecn))
        let result = ngtcp2_conn_read_pkt_versioned(
            state.pointee.conn, &path, NGTCP2_PKT_INFO_VERSION, &info,
            datagram.assumingMemoryBound(to: UInt8.self).baseAddress, datagram.count, now.nanoseconds)
        if result != 0, case .open = phase { fail(result, "reading a packet", now: now.nanoseconds) }
    }

    /// The time of ``expiry`` has come.
    package func handleExpiry(now: MonotonicTime) {
        switch phase {
        case .closing(let until), .draining(let until):
            if now.nanoseconds >= until { phase = .ended }
        case .closePending, .ended: break
        case .open:
            guard now.nanoseconds >= ngtcp2_conn_get_expiry(state.pointee.conn) else { return }
            let result = ngtcp2_conn_handle_expiry(state.pointee.conn, now.nanoseconds)
            if result != 0 { fail(result, "handling a timer", now: now.nanoseconds) }
        }
    }

    /// When ``handleExpiry(now:)`` must be called, or payload stops being due.
    package var expiry: MonotonicTime {
        switch phase {
        case .open:
            let timer = ngtcp2_conn_get_expiry(state.pointee.conn)
            guard let deadline = bulkDeadline else { return MonotonicTime(nanoseconds: timer) }
            return MonotonicTime(nanoseconds: min(timer, deadline))
        case .closePending: return MonotonicTime(nanoseconds: 0)
        case .closing(let until), .draining(let until): return MonotonicTime(nanoseconds: until)
        case .ended: return .never
        }
    }

    // MARK: The control stream

    /// Called by the library.
    func receivedControl(_ bytes: UnsafeRawBufferPointer, stream: Int64, isLast: Bool) -> Int32 {
        // The stream limits let no other bidirectional stream come into being.
        guard stream == Self.controlStream else { return NGTCP2_ERR_CALLBACK_FAILURE }
        if !bytes.isEmpty { record(.control(Array(bytes))) }
        if isLast { record(.controlEnded) }
        return 0
    }

    /// Gives the peer credit for control bytes that were taken. Until then they count against 256 KiB.
    package func consumedControl(_ count: Int) {
        guard case .open = phase else { return }
        _ = ngtcp2_conn_extend_max_stream_offset(state.pointee.conn, Self.controlStream, UInt64(count))
        ngtcp2_conn_extend_max_offset(state.pointee.conn, UInt64(count))
    }

    // MARK: Payload

    /// Lets the peer open `streams` data streams and send a test's worth of data.
    package func allowPayload(streams: Int) {
        guard case .open = phase else { return }
        ngtcp2_conn_extend_max_streams_uni(state.pointee.conn, min(streams, Self.streamLimit))
        ngtcp2_conn_extend_max_offset(
            state.pointee.conn, ConnectionSettings.testWindow - ConnectionSettings.initialConnectionWindow)
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
