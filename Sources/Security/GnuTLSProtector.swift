internal import CQrateGnuTLS

/// The AEADs of GnuTLS: by what the others are measured, and for all that they don't do.
package struct GnuTLSProtector: PacketProtector {
    package static let library = AEADLibrary.gnutls

    private let handle: gnutls_aead_cipher_hd_t

    package init?(_ algorithm: AESGCM, key: UnsafeRawBufferPointer) {
        guard key.count == algorithm.keySize, let made = try? Self(algorithm.cipher, key: key) else { return nil }
        self = made
    }

    /// For any suite.
    init(_ cipher: gnutls_cipher_algorithm_t, key: UnsafeRawBufferPointer) throws(TLSError) {
        var handle: gnutls_aead_cipher_hd_t?
        // The library only reads through this pointer, and copies what it keeps.
        let bytes = UnsafeMutableRawPointer(mutating: key.baseAddress)?.assumingMemoryBound(to: UInt8.self)
        var datum = gnutls_datum_t(data: bytes, size: UInt32(key.count))
        try TLSError.check(gnutls_aead_cipher_init(&handle, cipher, &datum), "preparing a key")
        guard let handle else { throw .gnutls(GNUTLS_E_MEMORY_ERROR, "preparing a key") }
        self.handle = handle
    }

    package func free() { gnutls_aead_cipher_deinit(handle) }

    package func seal(
        _ text: UnsafeRawPointer, count: Int, into sealed: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool {
        var written = count + AESGCM.tagSize
        return gnutls_aead_cipher_encrypt(
            handle, nonce, AESGCM.nonceSize, header, headerCount, AESGCM.tagSize, text, count, sealed, &written) == 0
    }

    package func open(
        _ sealed: UnsafeRawPointer, count: Int, into text: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool {
        guard count >= AESGCM.tagSize else { return false }
        var written = count - AESGCM.tagSize
        return gnutls_aead_cipher_decrypt(
            handle, nonce, AESGCM.nonceSize, header, headerCount, AESGCM.tagSize, sealed, count, text, &written) == 0
    }
}

extension AESGCM {
    var cipher: gnutls_cipher_algorithm_t {
        switch self {
        case .aes128: GNUTLS_CIPHER_AES_128_GCM
        case .aes256: GNUTLS_CIPHER_AES_256_GCM
        }
    }

    /// nil for another suite's.
    init?(_ cipher: gnutls_cipher_algorithm_t) {
        switch cipher {
        case GNUTLS_CIPHER_AES_128_GCM: self = .aes128
        case GNUTLS_CIPHER_AES_256_GCM: self = .aes256
        default: return nil
        }
    }

    /// - Parameter number: GnuTLS's, of a cipher.
    package init?(gnutlsCipher number: UInt32) { self.init(gnutls_cipher_algorithm_t(rawValue: number)) }
}
