internal import CQrateGnuTLS
internal import CQrateNgtcp2
internal import Glibc
internal import QrateSecurity

/// The keys that ngtcp2 protects packets with. Those for 1-RTT packets are ``PacketKey``s, so that each packet can be seen
/// and another library than GnuTLS can do the work; what else there is goes on to ngtcp2's own callbacks.
enum PacketKeys {
    // MARK: For each packet

    static let encrypt: ngtcp2_encrypt = { sealed, aead, context, text, count, nonce, nonceCount, header, headerCount in
        guard let key = PacketKey.place(context), let sealed, let text, let nonce, let header else {
            return ngtcp2_crypto_encrypt_cb(
                sealed, aead, context, text, count, nonce, nonceCount, header, headerCount)
        }
        key.pointee.tap.pointee.willSeal(text, count: count, header: header, headerCount: headerCount)
        guard let protector = key.pointee.protector else {
            return ngtcp2_crypto_encrypt_cb(
                sealed, aead, &key.pointee.stock, text, count, nonce, nonceCount, header, headerCount)
        }
        return protector.seal(
            text, count: count, into: sealed, nonce: nonce, header: header, headerCount: headerCount)
            ? 0 : NGTCP2_ERR_CALLBACK_FAILURE
    }

    static let decrypt: ngtcp2_decrypt = { text, aead, context, sealed, count, nonce, nonceCount, header, headerCount in
        guard let key = PacketKey.place(context), let sealed, let text, let nonce, let header else {
            return ngtcp2_crypto_decrypt_cb(
                text, aead, context, sealed, count, nonce, nonceCount, header, headerCount)
        }
        if let protector = key.pointee.protector {
            guard
                protector.open(
                    sealed, count: count, into: text, nonce: nonce, header: header, headerCount: headerCount)
            else { return NGTCP2_ERR_DECRYPT }
        } else {
            let result = ngtcp2_crypto_decrypt_cb(
                text, aead, &key.pointee.stock, sealed, count, nonce, nonceCount, header, headerCount)
            guard result == 0 else { return result }
        }
        // Each cipher suite's tag is of this size (RFC 9001 §5.3).
        key.pointee.tap.pointee.didOpen(text, count: count - AESGCM.tagSize)
        return 0
    }

    // MARK: For each key

    static let delete: ngtcp2_delete_crypto_aead_ctx = { conn, context, user in
        guard let key = PacketKey.place(UnsafePointer(context)) else {
            return ngtcp2_crypto_delete_crypto_aead_ctx_cb(conn, context, user)
        }
        PacketKey.free(key)
        context?.pointee.native_handle = nil
    }

    /// The next generation (RFC 9001 §6.1): ngtcp2 derives it and makes GnuTLS's keys, which ours take in.
    static let update: ngtcp2_update_key = {
        conn, readSecret, writeSecret, reading, readIV, writing, writeIV, oldReadSecret, oldWriteSecret, count, user in
        guard let state = user?.assumingMemoryBound(to: ConnectionState.self) else {
            return NGTCP2_ERR_CALLBACK_FAILURE
        }
        return withSecretBytes(2 * longestKey) { keys in
            guard let readKey = keys.baseAddress else { return NGTCP2_ERR_CALLBACK_FAILURE }
            let writeKey = readKey + longestKey
            guard
                ngtcp2_crypto_update_key(
                    conn, readSecret, writeSecret, reading, readKey, readIV, writing, writeKey, writeIV, oldReadSecret,
                    oldWriteSecret, count) == 0
            else { return NGTCP2_ERR_CALLBACK_FAILURE }
            takeIn(reading, conn, state, key: readKey)
            takeIn(writing, conn, state, key: writeKey)
            return 0
        }
    }

    private static func takeIn(
        _ context: UnsafeMutablePointer<ngtcp2_crypto_aead_ctx>?, _ conn: OpaquePointer?,
        _ state: UnsafeMutablePointer<ConnectionState>, key: UnsafePointer<UInt8>
    ) {
        guard let context, state.pointee.tap.pointee.isInUse else { return }
        guard let protector = protector(conn, state, key: key) else {
            context.pointee = PacketKey(tap: state.pointee.tap, protector: nil, stock: context.pointee).context()
            return
        }
        ngtcp2_crypto_aead_ctx_free(context)
        context.pointee = PacketKey(tap: state.pointee.tap, protector: protector).context()
    }

    /// nil where GnuTLS is to use that key.
    private static func protector(
        _ conn: OpaquePointer?, _ state: UnsafeMutablePointer<ConnectionState>, key: UnsafePointer<UInt8>
    ) -> IPSecMBProtector? {
        guard state.pointee.aead == .ipsecMB, let algorithm = algorithm(conn) else { return nil }
        return IPSecMBProtector(algorithm, key: UnsafeRawBufferPointer(start: key, count: algorithm.keySize))
    }

    // MARK: For each connection

    /// Called by GnuTLS in the handshake, with the secrets of one level after the other (RFC 9001 §4.1.4). Does what ngtcp2's
    /// own function does, but for the 1-RTT keys, which become ours.
    static let takeSecrets: gnutls_handshake_secret_func = { session, level, readSecret, writeSecret, count in
        let reference = gnutls_session_get_ptr(session)!.assumingMemoryBound(to: ngtcp2_crypto_conn_ref.self)
        let state = reference.pointee.user_data.assumingMemoryBound(to: ConnectionState.self)
        let isDone =
            take(readSecret, count, level, state, install: ngtcp2_conn_install_rx_key) {
                ngtcp2_crypto_derive_and_install_rx_key($0, nil, nil, nil, $1, $2, $3)
            }
            && take(writeSecret, count, level, state, install: ngtcp2_conn_install_tx_key) {
                ngtcp2_crypto_derive_and_install_tx_key($0, nil, nil, nil, $1, $2, $3)
            }
        return isDone ? 0 : -1
    }

    private typealias Install = (
        OpaquePointer?, UnsafePointer<UInt8>?, Int, UnsafePointer<ngtcp2_crypto_aead_ctx>?, UnsafePointer<UInt8>?, Int,
        UnsafePointer<ngtcp2_crypto_cipher_ctx>?
    ) -> Int32

    /// - Parameters:
    ///   - secret: nil where this direction's keys don't change now.
    ///   - stock: Has ngtcp2 derive and install GnuTLS's keys.
    /// - Returns: Whether there are keys where there should be.
    private static func take(
        _ secret: UnsafeRawPointer?, _ count: Int, _ level: gnutls_record_encryption_level_t,
        _ state: UnsafeMutablePointer<ConnectionState>, install: Install,
        stock: (OpaquePointer?, ngtcp2_crypto_level, UnsafePointer<UInt8>, Int) -> Int32
    ) -> Bool {
        guard let secret = secret?.assumingMemoryBound(to: UInt8.self) else { return true }
        let conn = state.pointee.conn
        if level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION {
            if deriveAndInstall(secret, count, conn, state, install) { return true }
            state.pointee.aead = .gnutls
        }
        return stock(conn, ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(level), secret, count) == 0
    }

    /// - Returns: Whether the keys are in use. If not, nothing has changed.
    private static func deriveAndInstall(
        _ secret: UnsafePointer<UInt8>, _ count: Int, _ conn: OpaquePointer?,
        _ state: UnsafeMutablePointer<ConnectionState>, _ install: Install
    ) -> Bool {
        // Another version has other labels (RFC 9369 §3.3.2).
        guard ngtcp2_conn_get_negotiated_version(conn) == UInt32(NGTCP2_PROTO_VER_V1),
            let suite = ngtcp2_conn_get_crypto_ctx(conn)
        else { return false }
        var hash = suite.pointee.md
        var aead = suite.pointee.aead
        // Header protection's key is as long as the packets' (RFC 9001 §5.4).
        let size = ngtcp2_crypto_aead_keylen(&aead), ivSize = ngtcp2_crypto_packet_protection_ivlen(&aead)
        guard size <= longestKey, ivSize <= longestKey else { return false }
        return withSecretBytes(3 * longestKey) { bytes in
            guard let key = bytes.baseAddress else { return false }
            let headerKey = key + longestKey, iv = headerKey + longestKey
            func expand(_ label: String, _ target: UnsafeMutablePointer<UInt8>, _ size: Int) -> Bool {
                ngtcp2_crypto_hkdf_expand_label(target, size, &hash, secret, count, label, label.utf8.count) == 0
            }
            guard expand("quic key", key, size), expand("quic iv", iv, ivSize), expand("quic hp", headerKey, size)
            else { return false }
            var packetKey = PacketKey(tap: state.pointee.tap, protector: protector(conn, state, key: key))
            if packetKey.protector == nil {
                // GnuTLS's keys are the same for both directions.
                guard ngtcp2_crypto_aead_ctx_encrypt_init(&packetKey.stock, &aead, key, ivSize) == 0 else {
                    return false
                }
                state.pointee.aead = .gnutls
            }
            var context = packetKey.context()
            // As ngtcp2's mask callback, which stays in use, wants it.
            var headerCipher: gnutls_cipher_hd_t?
            var datum = gnutls_datum_t(data: headerKey, size: UInt32(size))
            let isInstalled: Bool
            if gnutls_cipher_init(&headerCipher, suite.pointee.hp.gnutls, &datum, nil) == 0 {
                var header = ngtcp2_crypto_cipher_ctx(native_handle: UnsafeMutableRawPointer(headerCipher))
                isInstalled = install(conn, secret, count, &context, iv, ivSize, &header) == 0
                if !isInstalled { gnutls_cipher_deinit(headerCipher) }
            } else {
                isInstalled = false
            }
            if isInstalled {
                state.pointee.tap.pointee.isInUse = true
            } else if let key = PacketKey.place(&context) {
                PacketKey.free(key)
            }
            return isInstalled
        }
    }

    // MARK: What is negotiated

    /// nil where the keys stay GnuTLS's, for another suite.
    private static func algorithm(_ conn: OpaquePointer?) -> AESGCM? {
        ngtcp2_conn_get_crypto_ctx(conn).flatMap {
            AESGCM(gnutlsCipher: UInt32(truncatingIfNeeded: UInt(bitPattern: $0.pointee.aead.native_handle)))
        }
    }

    /// The longest of any suite, in bytes.
    private static let longestKey = 64

    private static func withSecretBytes<Value>(
        _ count: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Value
    ) -> Value {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
            bytes.initialize(repeating: 0)
            defer { if let first = bytes.baseAddress { explicit_bzero(first, count) } }
            return body(bytes)
        }
    }
}

extension ngtcp2_crypto_cipher {
    /// The number that ngtcp2's GnuTLS side keeps in the place of a pointer.
    fileprivate var gnutls: gnutls_cipher_algorithm_t {
        gnutls_cipher_algorithm_t(rawValue: UInt32(truncatingIfNeeded: UInt(bitPattern: native_handle)))
    }
}
