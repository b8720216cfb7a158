internal import CQrateGnuTLS

/// GnuTLS's AES-128-GCM alone, at the sizes of a usual QUIC packet, one for jumbo frames, and one for loopback.
final class CipherLoop {
    private let cipher: gnutls_aead_cipher_hd_t
    private let size: Int
    private let plain: UnsafeMutableRawPointer
    private let sealed: UnsafeMutableRawPointer
    private let nonce = [UInt8](repeating: 7, count: 12)
    private let header = [UInt8](repeating: 9, count: 14)

    static let sizes = [1424, 8944, 65_000]
    private static let tagSize = 16

    struct Failure: Error {
        let call: String
        let code: CInt
    }

    static func all() throws -> [any Benchmark] {
        try sizes.flatMap { size in
            let loop = try CipherLoop(size)
            try loop.seal()
            return [
                Loop(name: "aead/\(size)/seal", operation: "packet", bytes: size) { try loop.seal() },
                Loop(name: "aead/\(size)/open", operation: "packet", bytes: size) { try loop.open() },
            ]
        }
    }

    private init(_ size: Int) throws {
        var key = [UInt8](repeating: 0x5a, count: 16)
        var cipher: gnutls_aead_cipher_hd_t?
        let code = key.withUnsafeMutableBufferPointer {
            var datum = gnutls_datum_t(data: $0.baseAddress, size: UInt32($0.count))
            return gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_GCM, &datum)
        }
        guard code == 0, let cipher else { throw Failure(call: "making a key", code: code) }
        self.cipher = cipher
        self.size = size
        plain = .allocate(byteCount: size + Self.tagSize, alignment: 64)
        sealed = .allocate(byteCount: size + Self.tagSize, alignment: 64)
        plain.initializeMemory(as: UInt8.self, repeating: 0x71, count: size + Self.tagSize)
        sealed.initializeMemory(as: UInt8.self, repeating: 0, count: size + Self.tagSize)
    }

    deinit {
        gnutls_aead_cipher_deinit(cipher)
        plain.deallocate()
        sealed.deallocate()
    }

    private func seal() throws {
        var count = size + Self.tagSize
        let code = gnutls_aead_cipher_encrypt(
            cipher, nonce, nonce.count, header, header.count, Self.tagSize, plain, size, sealed, &count)
        guard code == 0 else { throw Failure(call: "sealing", code: code) }
    }

    private func open() throws {
        var count = size
        let code = gnutls_aead_cipher_decrypt(
            cipher, nonce, nonce.count, header, header.count, Self.tagSize, sealed, size + Self.tagSize, plain, &count)
        guard code == 0 else { throw Failure(call: "opening", code: code) }
    }
}
