internal import CQrateGnuTLS
internal import Glibc
package import QrateSecurity

/// A TLS 1.3 end that is the library's alone, records and all: what our record layer must agree with.
///
/// Bytes in, bytes out; not thread-safe.
package final class LibraryTLSPeer {
    private let session: gnutls_session_t
    private let held: any AnyObject & Sendable
    private var incoming: [UInt8] = []
    package private(set) var outgoing: [UInt8] = []
    package private(set) var isConnected = false
    /// The library's code when it gave up.
    package private(set) var failure: Int32?

    /// - Parameter cipher: As GnuTLS spells it.
    package static func server(_ identity: ServerIdentity, cipher: String = "AES-128-GCM") throws -> LibraryTLSPeer {
        try LibraryTLSPeer(GNUTLS_SERVER, identity, identity.credentials, cipher)
    }

    /// Believes any server.
    package static func client(_ identity: ClientIdentity, cipher: String = "AES-128-GCM") throws -> LibraryTLSPeer {
        try LibraryTLSPeer(GNUTLS_CLIENT, identity, identity.credentials, cipher)
    }

    private init(
        _ role: gnutls_init_flags_t, _ held: any AnyObject & Sendable, _ credentials: OpaquePointer, _ cipher: String
    ) throws {
        var session: gnutls_session_t?
        try Self.check(gnutls_init(&session, role.rawValue))
        self.session = session!  // as the call succeeded
        self.held = held
        let priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+\(cipher)"
        try Self.check(gnutls_priority_set_direct(self.session, priorities, nil))
        try Self.check(
            gnutls_credentials_set(self.session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials)))
        var name = Array("qrate/1".utf8)
        try Self.check(
            name.withUnsafeMutableBufferPointer {
                var datum = gnutls_datum_t(data: $0.baseAddress, size: UInt32($0.count))
                return gnutls_alpn_set_protocols(self.session, &datum, 1, 0)
            })
        // Ended by `deinit`, which frees the session.
        gnutls_transport_set_ptr(self.session, Unmanaged.passUnretained(self).toOpaque())
        gnutls_transport_set_push_function(self.session) { own, bytes, count in
            LibraryTLSPeer.own(own).outgoing.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
            return count
        }
        gnutls_transport_set_pull_function(self.session) { own, target, count in
            let peer = LibraryTLSPeer.own(own)
            let size = min(count, peer.incoming.count)
            guard size > 0 else {
                gnutls_transport_set_errno(peer.session, EAGAIN)
                return -1
            }
            peer.incoming.prefix(size).withUnsafeBytes { target!.copyMemory(from: $0.baseAddress!, byteCount: size) }
            peer.incoming.removeFirst(size)
            return size
        }
    }

    deinit { gnutls_deinit(session) }

    private static func own(_ pointer: UnsafeMutableRawPointer?) -> LibraryTLSPeer {
        Unmanaged<LibraryTLSPeer>.fromOpaque(pointer!).takeUnretainedValue()  // set in `init`
    }

    private static func check(_ code: Int32) throws {
        guard code < 0 else { return }
        throw TestCertificate.Failure.gnutls(call: "TLS", code: code, text: String(cString: gnutls_strerror(code)))
    }

    package func receive(_ bytes: [UInt8]) { incoming += bytes }

    package func takeOutgoing() -> [UInt8] {
        defer { outgoing = [] }
        return outgoing
    }

    /// Goes on with the handshake.
    package func advance() {
        guard !isConnected, failure == nil else { return }
        let code = gnutls_handshake(session)
        if code == 0 { isConnected = true } else if gnutls_error_is_fatal(code) != 0 { failure = code }
    }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { gnutls_record_send(session, $0.baseAddress, $0.count) }
            try Self.check(Int32(clamping: count))
            sent += count
        }
    }

    /// Sends one record with zeros behind its content (RFC 8446 §5.4).
    package func send(_ bytes: [UInt8], padding: Int) throws {
        try Self.check(Int32(clamping: gnutls_record_send2(session, bytes, bytes.count, padding, 0)))
    }

    /// Everything that has come; nil at the peer's close_notify.
    package func read() throws -> [UInt8]? {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 20_000)
        while true {
            let count = gnutls_record_recv(session, &buffer, buffer.count)
            if count == 0 { return all.isEmpty ? nil : all }
            // Also said after a message that was no payload.
            if count == Int(GNUTLS_E_AGAIN), !incoming.isEmpty { continue }
            if count == Int(GNUTLS_E_AGAIN) { return all }
            try Self.check(Int32(clamping: count))
            all += buffer.prefix(count)
        }
    }

    /// Goes over to new keys, and asks the peer to do the same.
    package func updateKeys(askingPeer: Bool) throws {
        try Self.check(gnutls_session_key_update(session, askingPeer ? UInt32(GNUTLS_KU_PEER) : 0))
    }

    /// Sends close_notify.
    package func close() throws { try Self.check(gnutls_bye(session, GNUTLS_SHUT_WR)) }

    package func sendAlert(_ alert: UInt8) throws {
        try Self.check(
            gnutls_alert_send(session, GNUTLS_AL_FATAL, gnutls_alert_description_t(rawValue: UInt32(alert))))
    }
}
