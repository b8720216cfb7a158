internal import CQrateGnuTLS

/// Going on with the session of an earlier connection: tickets sent, kept and used (RFC 8446 §2.2 and §4.6.1).
extension TLSEnd {
    /// A client's part in it.
    struct Resumption {
        let sessions: SessionMemory
        let server: SessionMemory.Server
        /// What is made today of the certificate that the session began with which the server was offered to go on with.
        var verdict: TrustVerdict?
        /// The certificates that this session began with.
        var chain: [[UInt8]] = []
        /// Of the ticket at hand, seconds. 0 says that it is of no use.
        var lifetime: UInt32 = 0
        var ticketsReceived = 0

        /// Tickets of one connection that are looked at. No server that was seen sends more than four.
        static let ticketLimit = 8
        /// Of what is kept of one session. The server sends most of it: the ticket, and its certificates.
        static let sizeLimit = 64 << 10
        /// RFC 8446 §4.6.1: whatever the server says, no session is used after seven days.
        static let longestLifetime: UInt32 = 7 * 86_400
    }

    /// Whether the handshake goes on with a session, without certificates. Nothing that counts before it is complete.
    package var isResumed: Bool { gnutls_session_is_resumed(handle) != 0 }

    // MARK: Client

    /// Offers a remembered session, if there is one whose server is believed today. When the server doesn't want it, the
    /// handshake is a full one, and the certificate that it shows then is judged.
    func resume(from sessions: SessionMemory, _ server: SessionMemory.Server, _ trust: ServerTrust) {
        var resumption = Resumption(sessions: sessions, server: server)
        if let session = sessions.take(of: server) {
            let verdict = trust.judge(session.chain)
            if case .accepted = verdict, offer(session) {
                resumption.verdict = verdict
                resumption.chain = session.chain
            }
        }
        self.resumption = resumption
        gnutls_handshake_set_hook_function(
            handle, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET.rawValue, GNUTLS_HOOK_BOTH
        ) { session, _, when, _, message in
            let end = TLSEnd.of(session)
            // The library has read it when it calls for the second time.
            if when == UInt32(GNUTLS_HOOK_PRE) { end.beginTicket(message) } else { end.keepTicket() }
            return 0
        }
    }

    private func offer(_ session: ResumableSession) -> Bool {
        session.data.withUnsafeBytes { gnutls_session_set_data(handle, $0.baseAddress, $0.count) == 0 }
    }

    private func beginTicket(_ message: UnsafePointer<gnutls_datum_t>?) {
        guard let message else { return }
        let bytes = UnsafeRawBufferPointer(start: message.pointee.data, count: Int(message.pointee.size))
        // The message begins with it.
        resumption?.lifetime =
            bytes.count >= 4 ? UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)) : 0
        resumption?.ticketsReceived += 1
    }

    private func keepTicket() {
        guard let resumption, resumption.lifetime > 0, resumption.ticketsReceived <= Resumption.ticketLimit,
            case .accepted? = verdict
        else { return }
        var data = gnutls_datum_t()
        guard gnutls_session_get_data2(handle, &data) == 0 else { return }
        let bytes = data.takeBytes()
        guard resumption.chain.reduce(bytes.count, { $0 + $1.count }) <= Resumption.sizeLimit else { return }
        let lifetime = min(resumption.lifetime, Resumption.longestLifetime)
        resumption.sessions.add(
            data: bytes, chain: resumption.chain, lifetime: .seconds(Int64(lifetime)), of: resumption.server)
    }

    /// Whether more tickets are looked at.
    var takesTickets: Bool { resumption.map { $0.ticketsReceived < Resumption.ticketLimit } ?? false }

    // MARK: Server

    /// The extension in which a client says that it can resume sessions, psk_key_exchange_modes.
    private static let resumptionModes: UInt32 = 45

    func allowTickets(_ key: TicketKey) {
        guard key.enable(in: handle) else { return }
        gnutls_handshake_set_hook_function(
            handle, GNUTLS_HANDSHAKE_CLIENT_HELLO.rawValue, GNUTLS_HOOK_PRE
        ) { session, _, _, _, hello in
            let end = TLSEnd.of(session)
            // What is wrong with the hello, the library finds itself.
            _ = gnutls_ext_raw_parse(
                Unmanaged.passUnretained(end).toOpaque(),
                { end, kind, _, _ in
                    if let end, kind == TLSEnd.resumptionModes {
                        Unmanaged<TLSEnd>.fromOpaque(end).takeUnretainedValue().mayHaveTicket = true
                    }
                    return 0
                }, hello, UInt32(GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO))
            return 0
        }
    }

    /// The client is shown another certificate than the credentials' own. What it learns of the server that way shall
    /// not come back under the name of the first one.
    package func withholdTicket() { mayHaveTicket = false }

    /// Server, when the handshake is complete: gives the client a ticket, if it can use one.
    package func sendTicket() {
        guard mayHaveTicket else { return }
        // Without it the client's next handshake is a full one, and nothing else is lost.
        _ = gnutls_session_ticket_send(handle, 1, 0)
    }
}
