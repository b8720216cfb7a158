internal import CQrateGnuTLS
internal import CQrateNgtcp2
package import QrateMeasurement
package import QrateSecurity

/// One QUIC connection without I/O: datagrams in, datagrams out, time as an argument.
///
/// - Give it datagrams with ``handleDatagram(_:local:remote:ecn:now:)`` and expired timers with ``handleExpiry(now:)``.
/// - After each of them, and after every command, empty it: ``pollTransmit(into:limit:now:)`` until nil, then
///   ``pollEvent()`` until nil; then wait until ``expiry`` or the next datagram.
///
/// Not `Sendable`: one thread owns it. It wraps one `ngtcp2_conn` and its TLS session, which share that rule.
package final class QUICConnection {
    /// Data streams per direction that a test may use.
    package static let streamLimit = 128
    static let controlStream: Int64 = 0

    package let role: Role
    let state: UnsafeMutablePointer<ConnectionState>
    /// Set by the factories below right after `init`; TLS callbacks reach it through the state.
    private(set) var tls: TLSSession?
    package let settings: ConnectionSettings
    /// What a server shows of itself.
    private var credentials: ServerCredentials?
    private var chosenIdentity: ServerIdentity?
    private let gate: ServerGate?

    // What is touched for each packet isn't checked for exclusive access at run time: one thread owns all of it, and the
    // library's callbacks reach `state`, `control` and the events only, none of which is held across a library call.
    @exclusivity(unchecked) var control = ControlSendQueue()
    /// Whether the control stream exists at this end: at a server, since the client's first byte on it.
    @exclusivity(unchecked) var isControlOpen = false
    @exclusivity(unchecked) var bulk: BulkSender?
    /// Present while payload goes out in datagrams.
    @exclusivity(unchecked) var datagrams: DatagramFlow?
    /// Latency probes that wait to be sent.
    @exclusivity(unchecked) var probes = ProbeQueue()
    /// What came of the peer's tail marker.
    var tail: [UInt8] = []
    @exclusivity(unchecked) var phase = Phase.open
    @exclusivity(unchecked) var counters = PacketCounters()
    @exclusivity(unchecked) package private(set) var isHandshakeComplete = false
    /// The peer is known to have completed it too (RFC 9001 §4.1.2).
    @exclusivity(unchecked) package private(set) var isHandshakeConfirmed = false
    /// The data streams that this end sends on.
    var bulkIDs: [Int64] = []
    /// The client's bidirectional data streams that have come to be, at a server.
    var openedByPeer: Set<Int64> = []
    var hasAllowedPayload = false
    /// Why this end closes; set before `phase` says that it does.
    var closeCause: CloseCause?
    /// When the closing or draining period is over.
    var closingUntil: UInt64 = 0
    private var events: [QUICEvent] = []
    private var nextEvent = 0
    private var versionsOffered: [UInt32]?
    private var sawStatelessReset = false
    /// Datagrams that came after CONNECTION_CLOSE was sent, and whether it is due again because of them.
    var strays: UInt64 = 0
    var repeatsClose = false
    /// Length of the CONNECTION_CLOSE packet, which is kept in `carryBuffer`.
    var closePacket = 0

    /// What payload is read from: see ``PayloadPattern``.
    @exclusivity(unchecked) var payload = PayloadPattern.block(of: .random)
    /// The TOS or traffic class byte of what is sent; its ECN bits are QUIC's own.
    @exclusivity(unchecked) package var typeOfService: UInt8
    /// Filled by each write with the path to send on. ngtcp2 writes addresses into this storage.
    let writePath: UnsafeMutablePointer<ngtcp2_path_storage>
    /// The path of the batch that is being written.
    let batchPath: UnsafeMutablePointer<ngtcp2_path_storage>
    /// A packet that couldn't join the running batch; it goes first in the next one.
    @exclusivity(unchecked) var carried: CarriedPacket?
    let carryBuffer: UnsafeMutableRawPointer
    /// Whether the last attempt to write a batch brought none: see ``payloadHold``.
    @exclusivity(unchecked) var wroteNothing = false

    enum Phase {
        case open
        /// CONNECTION_CLOSE is to be written.
        case closePending
        /// It was written; strays are answered with it for a while (RFC 9000 §10.2.1).
        case closing
        /// The peer closed: nothing may be sent (RFC 9000 §10.2.2).
        case draining
        case ended
    }

    enum CloseCause {
        case application(code: UInt64, reason: String)
        case library(Int32)
        case alert(UInt8)
    }

    /// What was moved, for statistics.
    struct PacketCounters {
        var datagramsSent: UInt64 = 0
        var datagramsReceived: UInt64 = 0
        var sendCalls: UInt64 = 0
        var sendDrops: UInt64 = 0
        /// How often the probe timeout expired.
        var probeTimeouts: UInt64 = 0
        /// Datagrams sent without an ECN mark since the last that had one.
        var unmarkedSince: UInt64 = 0
    }

    // MARK: Making one

    /// A client's connection. Nothing is sent yet: the first ``pollTransmit(into:limit:now:)`` gives the Initial.
    ///
    /// - Parameters:
    ///   - local: The socket's sockaddr. Packets that come to another address are ignored.
    ///   - serverName: For SNI; nil for an address.
    ///   - token: What the server gave to be shown by this connection; nil for a first one.
    ///   - sessions: Where a TLS session to resume is taken from, and this one's tickets go; nil for neither.
    package static func client(
        local: UnsafeRawBufferPointer, remote: UnsafeRawBufferPointer, identity: ClientIdentity, trust: ServerTrust,
        serverName: String?, applicationProtocols: [String], token: ConnectionToken? = nil,
        sessions: SessionMemory? = nil, settings: ConnectionSettings, now: MonotonicTime
    ) throws(QUICError) -> QUICConnection {
        let connection = QUICConnection(role: .client, settings, gate: nil)
        let session = try TLSSession.client(
            identity: identity, trust: trust, serverName: serverName, applicationProtocols: applicationProtocols,
            cipher: settings.cipher, sessions: sessions, keyLog: settings.keyLog, state: connection.state)
        connection.tls = session
        var destination =
            token.map { ConnectionID.random(length: 18, firstByte: $0.firstByte).raw }
            ?? ConnectionID.random(length: 18).raw
        var source = ConnectionID.random().raw
        var callbacks = ConnectionState.callbacks
        var library = connection.librarySettings(now)
        var parameters = connection.transportParameters()
        connection.tellEvents(of: destination, &library)
        var path = rawPath(local, remote)
        var tokenBytes = token?.bytes ?? []
        let result = tokenBytes.withUnsafeMutableBufferPointer { tokenBytes in
            library.token = ngtcp2_vec(base: tokenBytes.baseAddress, len: tokenBytes.count)  // copied by the library
            return ngtcp2_conn_client_new_versioned(
                &connection.state.pointee.conn, &destination, &source, &path, UInt32(NGTCP2_PROTO_VER_V1),
                NGTCP2_CALLBACKS_VERSION, &callbacks, NGTCP2_SETTINGS_VERSION, &library,
                NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters, nil, connection.state)
        }
        try QUICError.check(result, "making a client connection")
        connection.finishSetUp(session, source)
        return connection
    }

    /// A server's connection for a client that ``ServerGate`` accepted. Hand it the same datagram next.
    package static func server(
        _ initial: ServerGate.AcceptedInitial, local: UnsafeRawBufferPointer, remote: UnsafeRawBufferPointer,
        credentials: ServerCredentials, applicationProtocols: [String], gate: ServerGate,
        settings: ConnectionSettings, now: MonotonicTime
    ) throws(QUICError) -> QUICConnection {
        let connection = QUICConnection(role: .server, settings, gate: gate)
        let session = try TLSSession.server(
            credentials, applicationProtocols: applicationProtocols, keyLog: settings.keyLog, state: connection.state)
        connection.tls = session
        connection.credentials = credentials
        if !credentials.alternatives.isEmpty { session.askForIdentity() }
        let sourceID = gate.ids.random()
        var source = sourceID.raw
        var destination = initial.source
        var callbacks = ConnectionState.callbacks
        var library = connection.librarySettings(now)
        var parameters = connection.transportParameters()
        parameters.original_dcid = initial.originalDestination ?? initial.destination
        if initial.originalDestination != nil {
            parameters.retry_scid = initial.destination
            parameters.retry_scid_present = 1
        }
        var token = [UInt8](repeating: 0, count: Int(NGTCP2_STATELESS_RESET_TOKENLEN))
        if gate.fillResetToken(&token, for: sourceID) {
            withUnsafeMutableBytes(of: &parameters.stateless_reset_token) { $0.copyBytes(from: token) }
            parameters.stateless_reset_token_present = 1
        }
        connection.tellEvents(of: parameters.original_dcid, &library)
        var path = rawPath(local, remote)
        var retryToken = initial.token
        let result = retryToken.withUnsafeMutableBufferPointer { tokenBytes in
            library.token = ngtcp2_vec(base: tokenBytes.baseAddress, len: tokenBytes.count)
            return ngtcp2_conn_server_new_versioned(
                &connection.state.pointee.conn, &destination, &source, &path, initial.version,
                NGTCP2_CALLBACKS_VERSION, &callbacks, NGTCP2_SETTINGS_VERSION, &library,
                NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters, nil, connection.state)
        }
        try QUICError.check(result, "making a server connection")
        if let id = initial.destinationID { connection.record(.issuedConnectionID(id)) }
        connection.finishSetUp(session, source)
        return connection
    }

    private init(role: Role, _ settings: ConnectionSettings, gate: ServerGate?) {
        self.role = role
        self.settings = settings
        typeOfService = settings.typeOfService
        self.gate = gate
        state = .allocate(capacity: 1)
        state.initialize(to: ConnectionState(peerUnidirectional: role == .server ? 2 : 3, aead: settings.aead))
        writePath = .allocate(capacity: 1)
        ngtcp2_path_storage_zero(writePath)
        batchPath = .allocate(capacity: 1)
        ngtcp2_path_storage_zero(batchPath)
        carryBuffer = .allocate(byteCount: max(settings.maxUDPPayload, 1500), alignment: 16)
        state.pointee.owner = Unmanaged.passUnretained(self)  // ended by `deinit`, which frees the connection first
    }

    deinit {
        if let conn = state.pointee.conn { ngtcp2_conn_del(conn) }
        state.pointee.endTrace()  // where the library's connection never came to be
        tls = nil  // after the connection that uses it, before the state that its callbacks read
        state.pointee.deallocate()
        state.deallocate()
        writePath.deallocate()
        batchPath.deallocate()
        carryBuffer.deallocate()
    }

    private func finishSetUp(_ session: TLSSession, _ source: ngtcp2_cid) {
        ngtcp2_conn_set_tls_native_handle(state.pointee.conn, UnsafeMutableRawPointer(session.handle))
        ngtcp2_conn_set_keep_alive_timeout(state.pointee.conn, settings.keepAlive.nanoseconds)
        // The front door tells QUIC from its other protocols by the fixed bit, so peers must not grease it (RFC 9287).
        // ngtcp2 0.12.1 invites them to, whatever parameters it is given; only the parameters themselves, which it will
        // encode with the first handshake packet, can say otherwise. They are the connection's own memory, not const.
        let parameters = UnsafeMutablePointer(mutating: ngtcp2_conn_get_local_transport_params(state.pointee.conn))
        parameters?.pointee.grease_quic_bit = 0
        if let id = ConnectionID(source) { record(.issuedConnectionID(id)) }
    }

    private func librarySettings(_ now: MonotonicTime) -> ngtcp2_settings {
        var result = ngtcp2_settings()
        ngtcp2_settings_default_versioned(NGTCP2_SETTINGS_VERSION, &result)
        result.cc_algo = settings.congestionController.raw
        result.initial_ts = now.nanoseconds
        result.handshake_timeout = settings.handshakeTimeout.nanoseconds
        result.max_tx_udp_payload_size = settings.maxUDPPayload
        result.no_pmtud = settings.discoversPathMTU && !settings.ignoresPathMTU ? 0 : 1
        result.no_tx_udp_payload_size_shaping = settings.ignoresPathMTU ? 1 : 0
        // The library lets the window of the beginning grow to here, and keeps what a test added to it on top.
        result.max_window = settings.windowCeiling - settings.testCredit
        result.max_stream_window = settings.windowCeiling
        return result
    }

    private func transportParameters() -> ngtcp2_transport_params {
        var result = ngtcp2_transport_params()
        ngtcp2_transport_params_default_versioned(NGTCP2_TRANSPORT_PARAMS_VERSION, &result)
        result.initial_max_data = settings.initialConnectionWindow
        result.initial_max_stream_data_uni = settings.streamWindow
        result.initial_max_stream_data_bidi_local = settings.controlStreamWindow
        result.initial_max_stream_data_bidi_remote = settings.controlStreamWindow
        // The control stream is the client's. Data streams are allowed once a test is agreed on.
        result.initial_max_streams_bidi = role == .server ? 1 : 0
        result.initial_max_streams_uni = 0
        result.max_idle_timeout = settings.idleTimeout.nanoseconds
        result.max_datagram_frame_size = Self.largestDatagramFrame
        result.active_connection_id_limit = ConnectionSettings.connectionIDLimit
        return result
    }

    static func rawPath(_ local: UnsafeRawBufferPointer, _ remote: UnsafeRawBufferPointer) -> ngtcp2_path {
        func address(_ bytes: UnsafeRawBufferPointer) -> ngtcp2_addr {
            // ngtcp2 only reads through this pointer, and copies what it keeps.
            let pointer = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            return ngtcp2_addr(
                addr: pointer?.assumingMemoryBound(to: ngtcp2_sockaddr.self), addrlen: ngtcp2_socklen(bytes.count))
        }
        return ngtcp2_path(local: address(local), remote: address(remote), user_data: nil)
    }

    // MARK: Events

    /// The next thing that happened, or nil.
    package func pollEvent() -> QUICEvent? {
        guard nextEvent < events.count else {
            events.removeAll(keepingCapacity: true)
            nextEvent = 0
            probes.unread = 0
            return nil
        }
        defer { nextEvent += 1 }
        return events[nextEvent]
    }

    func record(_ event: QUICEvent) { events.append(event) }

    // MARK: Called by the library, through the state

    /// The client's hello was read: its application protocol may want another certificate.
    func chooseIdentity() {
        guard let name = tls?.applicationProtocol, let other = credentials?.alternatives[name] else { return }
        chosenIdentity = other
        tls?.present(other)
    }

    /// Of the certificate that this server showed; nil at a client.
    package var presented: Fingerprint? { (chosenIdentity ?? credentials?.identity)?.fingerprint }

    /// - Returns: Whether the connection may go on.
    func handshakeCompleted() -> Bool {
        if role == .server {
            tls?.sendTicket()
        } else {
            // Also where a session was resumed, without a certificate.
            guard case .accepted? = verdict else { return false }
        }
        isHandshakeComplete = true
        if role == .server { isHandshakeConfirmed = true }
        record(.handshakeCompleted)
        return true
    }

    func handshakeConfirmed() {
        isHandshakeConfirmed = true
        record(.handshakeConfirmed)
    }

    func streamOpened(_ stream: Int64) {
        if stream == Self.controlStream {
            isControlOpen = true
        } else if stream & 3 == 0 {
            raiseCredit(ofBidirectional: stream)
            if openedByPeer.isEmpty { record(.streamsAvailable) }
            openedByPeer.insert(stream)
            bulk?.opened(stream)
        }
    }

    func receivedStatelessReset() { sawStatelessReset = true }

    func receivedVersions(_ versions: [UInt32]) { versionsOffered = versions }

    func issueConnectionID(
        into target: UnsafeMutablePointer<ngtcp2_cid>, token: UnsafeMutablePointer<UInt8>, count: Int
    ) -> Int32 {
        let id = gate?.ids.random() ?? ConnectionID.random(length: count)
        target.pointee = id.raw
        var bytes = [UInt8](repeating: 0, count: Int(NGTCP2_STATELESS_RESET_TOKENLEN))
        if let gate {
            guard gate.fillResetToken(&bytes, for: id) else { return NGTCP2_ERR_CALLBACK_FAILURE }
        } else {
            SecureRandom.fill(&bytes)
        }
        token.update(from: bytes, count: bytes.count)
        record(.issuedConnectionID(id))
        return 0
    }

    // MARK: Ending

    /// Turns a library code into the end of the connection. What needs a CONNECTION_CLOSE gets one.
    func fail(_ code: Int32, _ call: String, now: UInt64) {
        let conn = state.pointee.conn
        switch code {
        case NGTCP2_ERR_DRAINING:
            closingUntil = now &+ closingTime
            phase = .draining
            record(.ended(sawStatelessReset ? .statelessReset : peersReason))
        case NGTCP2_ERR_CLOSING:
            break  // already on its way out
        case NGTCP2_ERR_IDLE_CLOSE: end(.idleTimeout)
        case NGTCP2_ERR_HANDSHAKE_TIMEOUT: end(.handshakeTimeout)
        case NGTCP2_ERR_RECV_VERSION_NEGOTIATION: end(.versionMismatch(versionsOffered ?? []))
        case NGTCP2_ERR_DROP_CONN, NGTCP2_ERR_RETRY: end(.libraryError(.ngtcp2(code, call)))
        case NGTCP2_ERR_CRYPTO:
            let chosen = ngtcp2_conn_get_tls_alert(conn)
            let alert = tls?.handshakeFailed(alert: chosen) ?? chosen
            closeCause = .alert(alert)
            phase = .closePending
            record(.ended(.tlsAlert(alert)))
        default:
            closeCause = .library(code)
            phase = .closePending
            record(.ended(.libraryError(.ngtcp2(code, call))))
        }
    }

    private func end(_ ending: QUICEnding) {
        phase = .ended
        record(.ended(ending))
    }

    private var peersReason: QUICEnding {
        var error = ngtcp2_connection_close_error()
        ngtcp2_conn_get_connection_close_error(state.pointee.conn, &error)
        // The peer's words: bounded by its packet, and made printable by whoever shows them.
        let reason = String(decoding: UnsafeBufferPointer(start: error.reason, count: error.reasonlen), as: UTF8.self)
        return error.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION
            ? .closedByPeer(code: error.error_code, reason: reason)
            : .transportErrorFromPeer(code: error.error_code, reason: reason)
    }

    /// Three probe timeouts (RFC 9000 §10.2), nanoseconds.
    var closingTime: UInt64 { 3 &* ngtcp2_conn_get_pto(state.pointee.conn) }

    /// Ends the connection and tells the peer: ``pollTransmit(into:limit:now:)`` gives the packet once.
    package func close(code: UInt64, reason: String) {
        guard phase == .open else { return }
        closeCause = .application(code: code, reason: reason)
        phase = .closePending
        record(.ended(.closedHere))
    }

    /// Whether the connection can be dropped: nothing is left to send or to answer.
    package var isFinished: Bool { phase == .ended }
}
