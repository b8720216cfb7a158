internal import CQrateNgtcp2
internal import QrateDatagramProtocol
internal import QrateSecurity

/// What ngtcp2's callbacks see: a plain struct at a fixed address, not an object, so that the packet path needs no
/// retain, no release and no exclusivity check. ``QUICConnection`` allocates it and frees it after the connection.
struct ConnectionState {
    /// Set once, by the constructor of the library's connection.
    var conn: OpaquePointer?
    /// Unretained: the owner frees the connection, and with it every use of this pointer, before it goes away.
    var owner: Unmanaged<QUICConnection>?
    /// The low two bits of the peer's unidirectional stream IDs (RFC 9000 §2.1): 2 at a server, 3 at a client.
    let peerUnidirectional: Int64
    /// Who protects 1-RTT packets; before their keys are there, who shall.
    var aead: AEADLibrary
    /// Sees each 1-RTT packet. Not in this struct, because keys point to it, and those are made while this is in use.
    let tap: UnsafeMutablePointer<PacketTap>
    /// Payload bytes delivered, per data stream; ``QUICConnection/streamLimit`` of them.
    let received: UnsafeMutablePointer<UInt64>
    /// Whether each of them ended, by FIN or by reset: a stream that arrived whole may be reset too (RFC 9000 §3.2).
    let hasEnded: UnsafeMutablePointer<Bool>
    /// The sum of `received`.
    var receivedTotal: UInt64 = 0
    /// Peer's data streams that ended with a FIN, and that were reset.
    var finishedStreams = 0
    var resetStreams = 0
    /// Where received payload is copied, as an application would: all transports do, so that they compare. nil until
    /// payload is allowed: before a test, a connection shall cost little.
    var sink: UnsafeMutableRawPointer?
    var sinkOffset = 0
    /// Credit came: blocked streams may be tried again.
    var creditArrived = false
    /// Packets with payload declared lost, on streams that are closed and forgotten by the library.
    var lostOnClosedStreams: UInt64 = 0

    /// Where payload in datagrams goes; nil where none is expected: what comes then is dropped.
    var datagramReceiver: QUICConnection.DatagramReceiver?
    var datagramContext: UnsafeMutableRawPointer?
    /// Whether latency probes are taken out of the datagrams that come.
    var takesProbes = false
    /// When the datagrams came that are being read, monotonic nanoseconds.
    var receivedAt: UInt64 = 0

    /// Takes the library's events; nil where nobody asked for them. ``endTrace()`` lets go of it.
    var trace: (any EventTrace)?

    static let sinkSize = 128 << 10

    init(peerUnidirectional: Int64, aead: AEADLibrary) {
        self.peerUnidirectional = peerUnidirectional
        self.aead = aead
        tap = .allocate(capacity: 1)
        tap.initialize(to: PacketTap())
        received = .allocate(capacity: QUICConnection.streamLimit)
        received.initialize(repeating: 0, count: QUICConnection.streamLimit)
        hasEnded = .allocate(capacity: QUICConnection.streamLimit)
        hasEnded.initialize(repeating: false, count: QUICConnection.streamLimit)
    }

    func deallocate() {
        received.deallocate()
        hasEnded.deallocate()
        sink?.deallocate()
        tap.deinitialize(count: 1)
        tap.deallocate()
    }

    mutating func makeSink() {
        if sink == nil { sink = .allocate(byteCount: Self.sinkSize, alignment: 64) }
    }

    /// The place of a data stream among those of its kind. Stream 0, the first bidirectional one, is control.
    static func slot(of stream: Int64) -> Int { Int(stream >> 2) - (stream & 3 == 0 ? 1 : 0) }

    /// Whether the peer sends payload on it: its own unidirectional streams, and the client's bidirectional ones.
    func isData(_ stream: Int64) -> Bool {
        stream & 3 == peerUnidirectional || stream & 3 == 0 && stream != QUICConnection.controlStream
    }

    /// Payload on a data stream: counted, copied, and its credit given back at once.
    static func receive(
        _ state: UnsafeMutablePointer<ConnectionState>, stream: Int64, data: UnsafePointer<UInt8>?, count: Int,
        isLast: Bool
    ) -> Int32 {
        let slot = slot(of: stream)
        // Our limit excludes this, until a peer resets streams that it never used: the library grants one more for each.
        guard slot < QUICConnection.streamLimit, let sink = state.pointee.sink else {
            return NGTCP2_ERR_CALLBACK_FAILURE
        }
        if state.pointee.datagramReceiver != nil {
            // No payload: the end of a flow of datagrams.
            let bytes = UnsafeRawBufferPointer(start: data, count: count)
            let result = owner(state).receivedTail(bytes, isLast: isLast)
            guard result == 0 else { return result }
            _ = ngtcp2_conn_extend_max_stream_offset(state.pointee.conn, stream, UInt64(count))
            ngtcp2_conn_extend_max_offset(state.pointee.conn, UInt64(count))
        } else if count > 0, let data {
            if state.pointee.sinkOffset + count > sinkSize { state.pointee.sinkOffset = 0 }
            (sink + state.pointee.sinkOffset).copyMemory(from: data, byteCount: min(count, sinkSize))
            state.pointee.sinkOffset += count
            state.pointee.received[slot] &+= UInt64(count)
            state.pointee.receivedTotal &+= UInt64(count)
            _ = ngtcp2_conn_extend_max_stream_offset(state.pointee.conn, stream, UInt64(count))
            ngtcp2_conn_extend_max_offset(state.pointee.conn, UInt64(count))
        }
        if isLast, !state.pointee.hasEnded[slot] {
            state.pointee.hasEnded[slot] = true
            state.pointee.finishedStreams += 1
        }
        return 0
    }

    /// RESET_STREAM on a data stream.
    static func receiveReset(_ state: UnsafeMutablePointer<ConnectionState>, stream: Int64) -> Int32 {
        let slot = slot(of: stream)
        guard slot < QUICConnection.streamLimit else { return NGTCP2_ERR_CALLBACK_FAILURE }
        if !state.pointee.hasEnded[slot] {
            state.pointee.hasEnded[slot] = true
            state.pointee.resetStreams += 1
        }
        return 0
    }

    /// The table that every connection is made with. Callbacks that run per packet touch only the struct; the rare
    /// ones go to the owner.
    static let callbacks: ngtcp2_callbacks = {
        var table = ngtcp2_callbacks()
        table.client_initial = ngtcp2_crypto_client_initial_cb
        table.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb
        table.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb
        table.recv_retry = ngtcp2_crypto_recv_retry_cb
        table.encrypt = PacketKeys.encrypt
        table.decrypt = PacketKeys.decrypt
        table.hp_mask = ngtcp2_crypto_hp_mask_cb
        table.update_key = PacketKeys.update
        table.delete_crypto_aead_ctx = PacketKeys.delete
        table.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb
        table.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb
        table.version_negotiation = ngtcp2_crypto_version_negotiation_cb
        table.rand = { target, count, _ in
            SecureRandom.fill(UnsafeMutableRawBufferPointer(start: target, count: count))
        }
        table.recv_stream_data = { _, flags, stream, _, data, count, user, _ in
            let state = user!.assumingMemoryBound(to: ConnectionState.self)
            let isLast = flags & UInt32(NGTCP2_STREAM_DATA_FLAG_FIN) != 0
            if state.pointee.isData(stream) {
                return receive(state, stream: stream, data: data, count: count, isLast: isLast)
            }
            let bytes = UnsafeRawBufferPointer(start: data, count: count)
            return owner(user).receivedControl(bytes, stream: stream, isLast: isLast)
        }
        table.acked_stream_data_offset = { _, stream, offset, count, user, _ in
            if stream == QUICConnection.controlStream { owner(user).controlAcknowledged(upTo: offset + count) }
            return 0
        }
        table.extend_max_stream_data = { _, _, _, user, _ in
            user!.assumingMemoryBound(to: ConnectionState.self).pointee.creditArrived = true
            return 0
        }
        table.extend_max_local_streams_uni = { _, _, user in
            owner(user).record(.streamsAvailable)
            return 0
        }
        table.extend_max_local_streams_bidi = { _, _, user in
            owner(user).record(.streamsAvailable)
            return 0
        }
        table.stream_close = { conn, _, stream, _, user, _ in
            let state = user!.assumingMemoryBound(to: ConnectionState.self)
            // One of our data streams: for this end's payload only, or for both ends'.
            if stream & 3 == state.pointee.peerUnidirectional ^ 1
                || stream & 3 == 0 && stream != QUICConnection.controlStream
            {
                state.pointee.lostOnClosedStreams += UInt64(ngtcp2_conn_get_stream_loss_count(conn, stream))
            }
            return 0
        }
        table.stream_reset = { _, stream, _, _, user, _ in
            let state = user!.assumingMemoryBound(to: ConnectionState.self)
            if state.pointee.isData(stream) {
                owner(user).dataStreamReset(stream)
                return receiveReset(state, stream: stream)
            }
            guard stream == QUICConnection.controlStream else { return NGTCP2_ERR_CALLBACK_FAILURE }
            owner(user).record(.controlEnded)
            return 0
        }
        table.recv_datagram = { _, _, data, count, user in
            let state = user!.assumingMemoryBound(to: ConnectionState.self)
            if state.pointee.takesProbes, LatencyProbe.isLike(UnsafeRawBufferPointer(start: data, count: count)) {
                owner(user).receivedProbe(UnsafeRawBufferPointer(start: data, count: count))
                return 0
            }
            if let receive = state.pointee.datagramReceiver, let context = state.pointee.datagramContext {
                receive(context, data, count, state.pointee.receivedAt)
            }
            return 0
        }
        table.handshake_completed = { _, user in
            owner(user).handshakeCompleted() ? 0 : NGTCP2_ERR_CALLBACK_FAILURE
        }
        table.stream_open = { _, stream, user in
            owner(user).streamOpened(stream)
            return 0
        }
        table.handshake_confirmed = { _, user in
            owner(user).handshakeConfirmed()
            return 0
        }
        table.get_new_connection_id = { _, cid, token, count, user in
            owner(user).issueConnectionID(into: cid!, token: token!, count: count)
        }
        table.remove_connection_id = { _, cid, user in
            if let id = ConnectionID(cid!.pointee) { owner(user).record(.retiredConnectionID(id)) }
            return 0
        }
        table.recv_stateless_reset = { _, _, user in
            owner(user).receivedStatelessReset()
            return 0
        }
        table.recv_version_negotiation = { _, _, versions, count, user in
            owner(user).receivedVersions(Array(UnsafeBufferPointer(start: versions, count: count)))
            return 0
        }
        return table
    }()

    private static func owner(_ state: UnsafeMutablePointer<ConnectionState>) -> QUICConnection {
        owner(UnsafeMutableRawPointer(state))
    }

    private static func owner(_ user: UnsafeMutableRawPointer?) -> QUICConnection {
        // Set before the library's connection exists, and valid for as long as it does.
        user!.assumingMemoryBound(to: ConnectionState.self).pointee.owner!.takeUnretainedValue()
    }
}
