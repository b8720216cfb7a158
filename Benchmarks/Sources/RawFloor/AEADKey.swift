import CQrateBenchmarksGnuTLS
import CQratePacketCiphers

/// Whose AES-128-GCM is measured.
enum AEADLibrary: String, Encodable {
    case gnutls
    case ipsecMB = "libipsec-mb"
}

/// A key of AES-128-GCM as one of the libraries has it. One thread uses it.
enum AEADKey: ~Copyable {
    case gnutls(gnutls_aead_cipher_hd_t)
    case ipsecMB(IPSecMBKey)

    /// RFC 5116 section 5.1.
    private static let nonceBytes = 12

    static func make(_ library: AEADLibrary) throws(FloorError) -> AEADKey {
        var key = [UInt8](repeating: 0x5a, count: 16)
        switch library {
        case .gnutls:
            var cipher: gnutls_aead_cipher_hd_t?
            let status = key.withUnsafeMutableBufferPointer { key in
                var datum = gnutls_datum_t(data: key.baseAddress, size: UInt32(key.count))
                return gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_GCM, &datum)
            }
            guard status == 0, let cipher else { throw .tls("making an AES-128-GCM key", status) }
            return .gnutls(cipher)
        case .ipsecMB:
            guard let key = IPSecMBKey(key) else { throw .missing("libipsec-mb") }
            return .ipsecMB(key)
        }
    }

    consuming func free() {
        switch consume self {
        case .gnutls(let cipher): gnutls_aead_cipher_deinit(cipher)
        case .ipsecMB(let key): key.free()
        }
    }

    /// In place, the tag behind it.
    borrowing func seal(
        _ text: UnsafeMutableRawPointer, _ count: Int, header: UnsafeRawPointer, _ headerCount: Int,
        nonce: UnsafeRawPointer
    ) throws(FloorError) {
        switch self {
        case .gnutls(let cipher):
            var sealedBytes = count + Packet.tagBytes
            let status = gnutls_aead_cipher_encrypt(
                cipher, nonce, Self.nonceBytes, header, headerCount, Packet.tagBytes, text, count, text, &sealedBytes)
            guard status == 0 else { throw .tls("sealing", status) }
        case .ipsecMB(let key):
            key.run(key.functions.seal, text, count, to: text, header, headerCount, nonce, tag: text + count)
        }
    }

    /// From `sealed`, tag included, into another buffer.
    borrowing func open(
        _ sealed: UnsafeRawPointer, _ count: Int, into text: UnsafeMutableRawPointer, header: UnsafeRawPointer,
        _ headerCount: Int, nonce: UnsafeRawPointer
    ) throws(FloorError) {
        switch self {
        case .gnutls(let cipher):
            var openedBytes = count
            let status = gnutls_aead_cipher_decrypt(
                cipher, nonce, Self.nonceBytes, header, headerCount, Packet.tagBytes, sealed, count, text, &openedBytes)
            guard status == 0 else { throw .tls("opening", status) }
        case .ipsecMB(let key):
            let size = count - Packet.tagBytes
            let isRight = withUnsafeTemporaryAllocation(byteCount: Packet.tagBytes, alignment: 8) { tag in
                guard let tag = tag.baseAddress else { return false }
                key.run(key.functions.open, sealed, size, to: text, header, headerCount, nonce, tag: tag)
                return gnutls_memcmp(tag, sealed + size, Packet.tagBytes) == 0
            }
            guard isRight else { throw .tls("opening", GNUTLS_E_DECRYPTION_FAILED) }
        }
    }
}

/// The library's key, expanded, and what it works with, in memory of our own.
struct IPSecMBKey {
    let functions: qrate_gcm
    private let expanded: OpaquePointer
    private let context: OpaquePointer
    private let memory: UnsafeMutableRawPointer

    /// nil where the library is not there.
    init?(_ key: [UInt8]) {
        var library = qrate_gcm_library()
        guard qrate_gcm_load(&library) == 0 else { return nil }
        functions = library.aes128
        let contextOffset = (library.key_size + library.alignment - 1) / library.alignment * library.alignment
        memory = .allocate(byteCount: contextOffset + library.context_size, alignment: library.alignment)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: contextOffset + library.context_size)
        expanded = OpaquePointer(memory)
        context = OpaquePointer(memory + contextOffset)
        functions.expand(key, expanded)
    }

    func free() { memory.deallocate() }

    func run(
        _ function: qrate_gcm_function, _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer,
        _ header: UnsafeRawPointer, _ headerCount: Int, _ nonce: UnsafeRawPointer, tag: UnsafeMutableRawPointer
    ) {
        function(
            expanded, context, target.assumingMemoryBound(to: UInt8.self), source.assumingMemoryBound(to: UInt8.self),
            UInt64(count), nonce.assumingMemoryBound(to: UInt8.self), header.assumingMemoryBound(to: UInt8.self),
            UInt64(headerCount), tag.assumingMemoryBound(to: UInt8.self), UInt64(Packet.tagBytes))
    }
}
