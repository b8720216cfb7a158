internal import CQrateNgtcp2
internal import QrateDatagramProtocol
package import QrateMeasurement

/// Payload in datagrams (RFC 9221): numbered, not retransmitted, but congestion controlled. A unidirectional stream of the
/// sender carries nothing but the tail marker, and ends the flow.
extension QUICConnection {
    /// What is called for each datagram that comes: the receiver's context, the payload, and when it came in monotonic
    /// nanoseconds. Per packet: a plain function, no object.
    package typealias DatagramReceiver =
        @convention(c) (UnsafeMutableRawPointer, UnsafePointer<UInt8>?, Int, UInt64) -> Void

    /// The largest DATAGRAM frame that this program takes, which is any.
    static let largestDatagramFrame: UInt64 = 65_535

    /// Receives one flow. A second call changes nothing.
    ///
    /// - Parameter context: Handed to `receiver`; must live as long as the connection.
    package func allowDatagrams(_ context: UnsafeMutableRawPointer, _ receiver: @escaping DatagramReceiver) {
        guard !hasAllowedPayload else { return }
        allowPayload(streams: 1)
        state.pointee.datagramContext = context
        state.pointee.datagramReceiver = receiver
    }

    /// Whether the peer takes datagrams. Known after the handshake.
    package var peerTakesDatagrams: Bool { peersLargestFrame > 64 }

    private var peersLargestFrame: UInt64 {
        ngtcp2_conn_get_remote_transport_params(state.pointee.conn)?.pointee.max_datagram_frame_size ?? 0
    }

    /// Sends one flow until the budget or the time is used up. The budget counts whole datagrams with their headers.
    ///
    /// - Parameters:
    ///   - flow: Its place among the test's flows, from 0.
    ///   - unit: Payload per datagram, header included; a packet that is smaller takes less. nil for what fits.
    package func startDatagrams(
        flow: Int, unit: Int?, content: PayloadContent, byteBudget: UInt64?, duration: Duration?, now: MonotonicTime
    ) throws(QUICError) {
        guard peerTakesDatagrams else {
            throw QUICError(code: 0, call: "starting to send datagrams", reason: "the peer takes none")
        }
        try startPayload(streams: 1, content: content, byteBudget: byteBudget, duration: duration, now: now)
        datagrams = DatagramFlow(flow: flow, unit: unit, content: content, now: now.nanoseconds)
    }

    /// The payload per datagram now; nil when none are sent.
    package var datagramUnit: Int? { datagrams == nil ? nil : datagrams?.size(fitting: datagramRoom) }

    /// What one packet has room for: behind the short header, the packet number, the frame's type and length, and before
    /// the tag (RFC 9000 §17.3.1, RFC 9221 §4).
    private var datagramRoom: Int {
        let packet = Int(ngtcp2_conn_get_path_max_tx_udp_payload_size(state.pointee.conn))
        let destination = ngtcp2_conn_get_dcid(state.pointee.conn)?.pointee.datalen ?? ConnectionID.longest
        let fits = packet - 1 - destination - 4 - 1 - (packet < 16_384 ? 2 : 4) - Self.streamFrame - 16
        return min(fits, Int(clamping: peersLargestFrame) - 5)
    }

    /// An empty STREAM frame's longest form here: type, stream ID, length.
    private static let streamFrame = 4

    /// nil when nothing may be sent as payload.
    ///
    /// Beside the datagram, each packet has an empty STREAM frame of the tail's stream. ngtcp2 0.12.1 sets no probe timer
    /// for packets with datagrams alone: a window full of lost ones would never be probed for, and never be free again.
    func writeDatagram(_ target: UnsafeMutableRawPointer, _ capacity: Int, _ now: UInt64) -> (Int, UInt8)? {
        guard bulk?.nextStream() != nil else { return nil }
        if bulk?.phase == .ending { return writeTail(target, capacity, now) }
        let unit = datagrams?.size(fitting: datagramRoom) ?? 0
        let remaining = bulk?.remaining ?? 0
        let size = Int(clamping: min(UInt64(unit), remaining))
        guard size >= DatagramFlow.smallest else {
            bulk?.finish()  // what is left of the budget is no datagram
            return writeTail(target, capacity, now)
        }
        guard bulk?.allowance ?? 0 >= UInt64(size), let stream = bulk?.nextStream() else { return nil }
        var info = ngtcp2_pkt_info(ecn: 0)
        let first = state.pointee.tap.pointee.sent.next
        var accepted: Int32 = 0
        var vector = ngtcp2_vec(base: datagrams?.next(size, now: now), len: size)
        let bytes = target.assumingMemoryBound(to: UInt8.self)
        var written = ngtcp2_conn_writev_datagram_versioned(
            state.pointee.conn, writePathPointer, NGTCP2_PKT_INFO_VERSION, &info, bytes, capacity, &accepted,
            UInt32(NGTCP2_WRITE_DATAGRAM_FLAG_MORE), 0, &vector, 1, now)
        if written == Int(NGTCP2_ERR_WRITE_MORE) {
            written = ngtcp2_conn_writev_stream_versioned(
                state.pointee.conn, writePathPointer, NGTCP2_PKT_INFO_VERSION, &info, bytes, capacity, nil, 0,
                stream.pointee.id, nil, 0, now)
            if written < 0 {  // the peer stopped that stream: without it, then
                written = ngtcp2_conn_writev_stream_versioned(
                    state.pointee.conn, writePathPointer, NGTCP2_PKT_INFO_VERSION, &info, bytes, capacity, nil, 0, -1,
                    nil, 0, now)
            }
        }
        if accepted != 0 {
            datagrams?.took()
            bulk?.took(UInt64(size), from: stream)
        }
        return (finish(written, now), mark(info, from: first))
    }

    private func writeTail(_ target: UnsafeMutableRawPointer, _ capacity: Int, _ now: UInt64) -> (Int, UInt8)? {
        guard let stream = bulk?.nextStream(), let rest = datagrams?.restOfTail() else { return nil }
        let (written, taken, ecn) = write(
            target, capacity, stream: stream.pointee.id, isLast: true, rest.baseAddress, rest.count, now)
        if taken >= 0, datagrams?.tookTail(taken) == true { bulk?.ended(stream) }
        switch Int32(truncatingIfNeeded: written) {
        case NGTCP2_ERR_STREAM_DATA_BLOCKED: return nil
        case NGTCP2_ERR_STREAM_SHUT_WR, NGTCP2_ERR_STREAM_NOT_FOUND:
            streamStopped(stream, now)
            return nil
        default: return (finish(written, now), ecn)
        }
    }

    // MARK: Called by the library

    /// A piece of the tail marker. More than its length is no marker.
    func receivedTail(_ bytes: UnsafeRawBufferPointer, isLast: Bool) -> Int32 {
        guard tail.count + bytes.count <= TailMarker.byteCount else { return NGTCP2_ERR_CALLBACK_FAILURE }
        tail += bytes
        if isLast, let marker = tail.withUnsafeBytes({ TailMarker($0) }) { record(.datagramsSent(marker.sent)) }
        return 0
    }
}
