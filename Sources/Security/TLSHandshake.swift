internal import CQrateGnuTLS
internal import Glibc
package import QrateMeasurement

/// A TLS 1.3 handshake over an ordered stream of bytes, without I/O.
///
/// Feed it what comes with ``receive(_:)``, call ``advance()``, send what ``takeOutgoing()`` gives, also when `advance`
/// throws: the alert that tells the peer why is in there. GnuTLS does the handshake; what follows is protected by
/// ``TLSWriter`` and ``TLSReader``, with the secrets that it agreed on. One thread at a time uses a handshake.
package final class TLSHandshake {
    private let end: TLSEnd
    private let role: Role
    private let aead: AEADLibrary
    // Filled and emptied by GnuTLS's calls back, none of which comes while one of them is held.
    private var incoming: [UInt8] = []
    private var consumed = 0
    private var outgoing: [UInt8] = []
    private var readSecret: [UInt8] = []
    private var writeSecret: [UInt8] = []
    private var result: Result<TLSConnection, TLSFailure>?

    /// What a handshake may cost a server in memory, before anybody proved anything: GnuTLS takes messages of 128 KiB at
    /// most, and a driver gives it no more than this at once.
    package static let inputLimit = 64 << 10

    package enum Progress {
        /// The peer's turn.
        case needsInput
        case completed(TLSConnection)
    }

    /// - Parameters:
    ///   - cipher: The only record cipher to agree to; nil for any.
    ///   - aead: Who shall seal and open records where AES-GCM is agreed on.
    ///   - sessions: Where a session to resume is taken from, and this one's tickets go; nil for neither.
    ///   - keyLog: Where the session's secrets go; nil for nowhere.
    package static func client(
        identity: ClientIdentity, trust: ServerTrust, serverName: String?, applicationProtocols: [String],
        cipher: CipherSuite? = nil, aead: AEADLibrary = .gnutls, sessions: SessionMemory? = nil,
        keyLog: KeyLog? = nil
    ) throws(TLSError) -> TLSHandshake {
        TLSHandshake(
            try .client(
                .tcp, identity: identity, trust: trust, serverName: serverName,
                applicationProtocols: applicationProtocols, cipher: cipher, sessions: sessions, keyLog: keyLog),
            .client,
            aead)
    }

    package static func server(
        _ credentials: ServerCredentials, applicationProtocols: [String], aead: AEADLibrary = .gnutls,
        keyLog: KeyLog? = nil
    ) throws(TLSError) -> TLSHandshake {
        TLSHandshake(
            try .server(.tcp, credentials, applicationProtocols: applicationProtocols, keyLog: keyLog), .server, aead)
    }

    private init(_ end: TLSEnd, _ role: Role, _ aead: AEADLibrary) {
        self.end = end
        self.role = role
        self.aead = aead
        // Not retained: this object owns the session, and nothing calls back once it is freed.
        let own = Unmanaged.passUnretained(self).toOpaque()
        gnutls_session_set_ptr(end.handle, own)
        gnutls_transport_set_ptr(end.handle, own)
        gnutls_transport_set_push_function(end.handle, Self.push)
        gnutls_transport_set_pull_function(end.handle, Self.pull)
        gnutls_handshake_set_secret_function(end.handle, Self.takeSecrets)
    }

    deinit {
        readSecret.erase()
        writeSecret.erase()
    }

    /// Bytes that came from the peer, at most ``inputLimit``. They are kept until ``advance()``.
    package func receive(_ bytes: UnsafeRawBufferPointer) { incoming.append(contentsOf: bytes) }

    /// What is to be sent now.
    package func takeOutgoing() -> [UInt8] {
        defer { outgoing = [] }
        return outgoing
    }

    /// Goes on as far as it can with what came. Once it has ended, the same again.
    package func advance() throws(TLSFailure) -> Progress {
        if let result { return .completed(try result.get()) }
        while true {
            let code = gnutls_handshake(end.handle)
            if code == GNUTLS_E_AGAIN { return .needsInput }
            // A warning, or a call to be made again. Each of them has used up some of what came.
            if code < 0, gnutls_error_is_fatal(code) == 0 { continue }
            do throws(TLSFailure) {
                guard code == 0 else { throw failed(code) }
                let connection = try conclude()
                result = .success(connection)
                return .completed(connection)
            } catch {
                result = .failure(error)
                throw error
            }
        }
    }

    /// What was made of the server's certificate, at a client.
    package var verdict: TrustVerdict? { end.verdict }

    // MARK: The end

    private func conclude() throws(TLSFailure) -> TLSConnection {
        guard let suite = TLSSuite(gnutls_cipher_get(end.handle)), let name = end.applicationProtocol,
            readSecret.count == suite.hashSize, writeSecret.count == suite.hashSize
        else { throw .failed(alert: TLSAlert.internalError, reason: "a handshake without its outcome") }
        // Also where a session was resumed, without a certificate.
        if role == .client {
            guard case .accepted? = end.verdict else {
                throw .failed(alert: TLSAlert.internalError, reason: "a handshake without a verdict on the server")
            }
        } else {
            end.sendTicket()  // in a record of GnuTLS's, the first under this key
        }
        do throws(TLSError) {
            let shared = TLSShared()
            let readKeys = try TLSTrafficKeys(
                suite, secret: readSecret, records: records(isRead: 1), library: aead)
            let writeKeys = try TLSTrafficKeys(
                suite, secret: writeSecret, records: records(isRead: 0), library: aead)
            let reader = TLSReader(
                readKeys, shared, peer: role == .client ? .server(TLSTickets(end)) : .client,
                early: incoming.dropFirst(consumed))
            let writer = TLSWriter(writeKeys, shared)
            incoming = []
            consumed = 0
            return TLSConnection(
                reader: reader, writer: writer, cipher: end.cipher, aead: writeKeys.library, applicationProtocol: name,
                verdict: end.verdict, isResumed: end.isResumed, logsKeys: end.keyLog != nil)
        } catch {
            throw .library(error)
        }
    }

    /// How many records GnuTLS put under the key of one direction: none, or a server's ticket.
    private func records(isRead: UInt32) throws(TLSError) -> UInt64 {
        var number = [UInt8](repeating: 0, count: 8)
        try TLSError.check(
            gnutls_record_get_state(end.handle, isRead, nil, nil, nil, &number), "asking for the records' number")
        return number.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func failed(_ code: Int32) -> TLSFailure {
        if code == GNUTLS_E_FATAL_ALERT_RECEIVED {
            return .alertReceived(UInt8(truncatingIfNeeded: gnutls_alert_get(end.handle).rawValue))
        }
        var level: Int32 = 0
        let chosen = UInt8(truncatingIfNeeded: gnutls_error_to_alert(code, &level))
        let alert = end.handshakeFailed(alert: chosen)
        _ = gnutls_alert_send(
            end.handle, GNUTLS_AL_FATAL, gnutls_alert_description_t(rawValue: UInt32(alert)))
        if case .refused(let refusal)? = end.verdict { return .refusedServer(refusal) }
        if let refusal = end.clientRefusal { return .refusedClient(refusal) }
        return .failed(alert: alert, reason: gnutls_strerror(code).map { String(cString: $0) } ?? "error \(code)")
    }

    // MARK: Called by GnuTLS, from within gnutls_handshake

    private static func own(_ pointer: UnsafeMutableRawPointer?) -> TLSHandshake {
        Unmanaged<TLSHandshake>.fromOpaque(pointer!).takeUnretainedValue()  // set in `init`
    }

    private static let push: gnutls_push_func = { own, bytes, count in
        TLSHandshake.own(own).outgoing.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
        return count
    }

    private static let pull: gnutls_pull_func = { own, target, count in
        let handshake = TLSHandshake.own(own)
        let size = min(count, handshake.incoming.count - handshake.consumed)
        guard size > 0, let target else {
            gnutls_transport_set_errno(handshake.end.handle, EAGAIN)
            return -1
        }
        handshake.incoming.withUnsafeBytes {
            target.copyMemory(from: $0.baseAddress! + handshake.consumed, byteCount: size)  // not empty: size > 0
        }
        handshake.consumed += size
        if handshake.consumed == handshake.incoming.count {
            handshake.incoming.removeAll(keepingCapacity: true)
            handshake.consumed = 0
        }
        return size
    }

    /// Either secret may be nil: the two directions change their keys at different times.
    private static let takeSecrets: gnutls_handshake_secret_func = { session, level, read, write, count in
        guard level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION else { return 0 }
        let handshake = TLSHandshake.own(gnutls_session_get_ptr(session))
        if let read { handshake.readSecret = Array(UnsafeRawBufferPointer(start: read, count: count)) }
        if let write { handshake.writeSecret = Array(UnsafeRawBufferPointer(start: write, count: count)) }
        return 0
    }
}

/// A TLS 1.3 connection whose handshake is complete.
package struct TLSConnection {
    package let reader: TLSReader
    package let writer: TLSWriter
    /// As in `AES-128-GCM`.
    package let cipher: String
    /// Who seals and opens records.
    package let aead: AEADLibrary
    package let applicationProtocol: String
    /// Client: what was made of the server's certificate.
    package let verdict: TrustVerdict?
    /// Whether the session is that of an earlier connection.
    package let isResumed: Bool
    /// Whether its secrets went to a ``KeyLog``.
    package let logsKeys: Bool
}
