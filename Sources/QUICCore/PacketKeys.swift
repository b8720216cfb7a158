internal import CQrateGnuTLS
internal import CQrateNgtcp2
internal import Glibc
internal import QrateSecurity

/// The keys that ngtcp2 protects packets with, some of which are another library's than GnuTLS.
///
/// ngtcp2 knows a key by a pointer only (`native_handle`), which it hands to callbacks. GnuTLS's are even; an
/// ``IPSecMBProtector``'s has its lowest bit set here. What isn't ours goes on to ngtcp2's own callbacks.
enum PacketKeys {
    // MARK: For each packet

    static let encrypt: ngtcp2_encrypt = { sealed, aead, context, text, count, nonce, nonceCount, header, headerCount in
        guard let protector = protector(context), let sealed, let text, let nonce, let header else {
            return ngtcp2_crypto_encrypt_cb(
                sealed, aead, context, text, count, nonce, nonceCount, header, headerCount)
        }
        return protector.seal(
            text, count: count, into: sealed, nonce: nonce, header: header, headerCount: headerCount)
            ? 0 : NGTCP2_ERR_CALLBACK_FAILURE
    }

    static let decrypt: ngtcp2_decrypt = { text, aead, context, sealed, count, nonce, nonceCount, header, headerCount in
        guard let protector = protector(context), let sealed, let text, let nonce, let header else {
            return ngtcp2_crypto_decrypt_cb(
                text, aead, context, sealed, count, nonce, nonceCount, header, headerCount)
        }
        return protector.open(
            sealed, count: count, into: text, nonce: nonce, header: header, headerCount: headerCount)
            ? 0 : NGTCP2_ERR_DECRYPT
    }

    private static func protector(_ context: UnsafePointer<ngtcp2_crypto_aead_ctx>?) -> IPSecMBProtector? {
        guard let handle = context?.pointee.native_handle, UInt(bitPattern: handle) & 1 == 1 else { return nil }
        return IPSecMBProtector(address: handle - 1)
    }

    private static func context(_ protector: IPSecMBProtector) -> ngtcp2_crypto_aead_ctx {
        ngtcp2_crypto_aead_ctx(native_handle: protector.address + 1)
    }

    // MARK: For each key

    static let delete: ngtcp2_delete_crypto_aead_ctx = { conn, context, user in
        guard let protector = protector(UnsafePointer(context)) else {
            return ngtcp2_crypto_delete_crypto_aead_ctx_cb(conn, context, user)
        }
        protector.free()
        context?.pointee.native_handle = nil
    }

    /// The next generation (RFC 9001 §6.1): ngtcp2 derives it and makes GnuTLS's keys, whose place ours take.
    static let update: ngtcp2_update_key = {
        conn, readSecret, writeSecret, reading, readIV, writing, writeIV, oldReadSecret, oldWriteSecret, count, user in
        guard let algorithm = algorithm(conn), aead(user) == .ipsecMB else {
            return ngtcp2_crypto_update_key_cb(
                conn, readSecret, writeSecret, reading, readIV, writing, writeIV, oldReadSecret, oldWriteSecret, count,
                user)
        }
        return withSecretBytes(2 * longestKey) { keys in
            guard let readKey = keys.baseAddress else { return NGTCP2_ERR_CALLBACK_FAILURE }
            let writeKey = readKey + longestKey
            guard
                ngtcp2_crypto_update_key(
                    conn, readSecret, writeSecret, reading, readKey, readIV, writing, writeKey, writeIV, oldReadSecret,
                    oldWriteSecret, count) == 0
            else { return NGTCP2_ERR_CALLBACK_FAILURE }
            takeOver(reading, algorithm, key: readKey)
            takeOver(writing, algorithm, key: writeKey)
            return 0
        }
    }

    /// Without memory for ours, GnuTLS's stays.
    private static func takeOver(
        _ context: UnsafeMutablePointer<ngtcp2_crypto_aead_ctx>?, _ algorithm: AESGCM, key: UnsafePointer<UInt8>
    ) {
        let key = UnsafeRawBufferPointer(start: key, count: algorithm.keySize)
        guard let context, let protector = IPSecMBProtector(algorithm, key: key) else { return }
        ngtcp2_crypto_aead_ctx_free(context)
        context.pointee = self.context(protector)
    }

    // MARK: For each connection

    /// Called by GnuTLS in the handshake, with the secrets of one level after the other (RFC 9001 §4.1.4). Does what ngtcp2's
    /// own function does, but for the 1-RTT keys that another library takes.
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
        if level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION, state.pointee.aead == .ipsecMB {
            if let algorithm = algorithm(conn), deriveAndInstall(secret, count, algorithm, conn, install) {
                return true
            }
            state.pointee.aead = .gnutls
        }
        return stock(conn, ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(level), secret, count) == 0
    }

    /// - Returns: Whether the keys are in use. If not, nothing has changed.
    private static func deriveAndInstall(
        _ secret: UnsafePointer<UInt8>, _ count: Int, _ algorithm: AESGCM, _ conn: OpaquePointer?, _ install: Install
    ) -> Bool {
        guard let suite = ngtcp2_conn_get_crypto_ctx(conn) else { return false }
        var hash = suite.pointee.md
        let size = algorithm.keySize
        return withSecretBytes(2 * size + AESGCM.nonceSize) { bytes in
            guard let key = bytes.baseAddress else { return false }
            let headerKey = key + size, iv = headerKey + size
            func expand(_ label: String, _ target: UnsafeMutablePointer<UInt8>, _ size: Int) -> Bool {
                ngtcp2_crypto_hkdf_expand_label(target, size, &hash, secret, count, label, label.utf8.count) == 0
            }
            guard expand("quic key", key, size), expand("quic iv", iv, AESGCM.nonceSize),
                expand("quic hp", headerKey, size),
                let protector = IPSecMBProtector(algorithm, key: UnsafeRawBufferPointer(start: key, count: size))
            else { return false }
            // As ngtcp2's mask callback, which stays in use, wants it.
            var headerCipher: gnutls_cipher_hd_t?
            var datum = gnutls_datum_t(data: headerKey, size: UInt32(size))
            guard gnutls_cipher_init(&headerCipher, suite.pointee.hp.gnutls, &datum, nil) == 0 else {
                protector.free()
                return false
            }
            var aead = context(protector)
            var header = ngtcp2_crypto_cipher_ctx(native_handle: UnsafeMutableRawPointer(headerCipher))
            guard install(conn, secret, count, &aead, iv, AESGCM.nonceSize, &header) == 0 else {
                protector.free()
                gnutls_cipher_deinit(headerCipher)
                return false
            }
            return true
        }
    }

    // MARK: What is negotiated

    /// nil where the keys stay GnuTLS's: for another suite, and another version's labels.
    private static func algorithm(_ conn: OpaquePointer?) -> AESGCM? {
        guard ngtcp2_conn_get_negotiated_version(conn) == UInt32(NGTCP2_PROTO_VER_V1),
            let suite = ngtcp2_conn_get_crypto_ctx(conn)
        else { return nil }
        return AESGCM(gnutlsCipher: UInt32(truncatingIfNeeded: UInt(bitPattern: suite.pointee.aead.native_handle)))
    }

    private static func aead(_ user: UnsafeMutableRawPointer?) -> AEADLibrary? {
        user?.assumingMemoryBound(to: ConnectionState.self).pointee.aead
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
