internal import CQrateGnuTLS
internal import Glibc

/// What protects the records of one direction: a cipher with its key, a nonce that counts them, and the secret that the
/// next key comes from (RFC 8446 §5.2, §5.3 and §7.2).
///
/// The record layer is our own, over GnuTLS's ciphers. GnuTLS 3.7.9's would do for one thread; but its key update, which a
/// peer may ask for at any time, replaces the keys of both directions, under the hands of a thread that writes while
/// another reads. Here the directions share nothing.
final class TLSTrafficKeys {
    private var cipher: RecordCipher
    private let suite: TLSSuite
    private let preferred: AEADLibrary
    private var secret: [UInt8]
    /// 12 bytes: the nonce of the record at hand.
    private let nonce: UnsafeMutableRawPointer
    /// The last 8 bytes of the IV, which the record number is added to without carry.
    private var counterBase: UInt64 = 0
    /// Records protected with the key at hand.
    private(set) var records: UInt64

    private static let nonceSize = 12

    /// - Parameters:
    ///   - records: How many were protected with this secret's key already.
    ///   - library: Who shall do AES-GCM.
    init(
        _ suite: TLSSuite, secret: [UInt8], records: UInt64 = 0, library: AEADLibrary = .gnutls
    ) throws(TLSError) {
        let derived = try Self.derive(suite, secret, library)
        self.suite = suite
        preferred = library
        self.secret = secret
        self.records = records
        cipher = derived.cipher
        nonce = .allocate(byteCount: Self.nonceSize, alignment: 8)
        setIV(derived.iv)
    }

    deinit {
        cipher.free()
        explicit_bzero(nonce, Self.nonceSize)
        nonce.deallocate()
        secret.erase()
    }

    /// Who does it.
    var library: AEADLibrary { cipher.library }

    /// Goes over to the next key (RFC 8446 §7.2).
    func update() throws(TLSError) {
        let next = try suite.expand(secret, "traffic upd", count: suite.hashSize)
        let derived = try Self.derive(suite, next, preferred)
        cipher.free()
        cipher = derived.cipher
        secret.erase()
        secret = next
        records = 0
        setIV(derived.iv)
    }

    private static func derive(
        _ suite: TLSSuite, _ secret: [UInt8], _ library: AEADLibrary
    ) throws(TLSError) -> (cipher: RecordCipher, iv: [UInt8]) {
        var key = try suite.expand(secret, "key", count: suite.keySize)
        defer { key.erase() }
        let iv = try suite.expand(secret, "iv", count: nonceSize)
        let cipher = key.withUnsafeBytes { key in
            Result { () throws(TLSError) in try RecordCipher.make(suite, key: key, library) }
        }
        return (try cipher.get(), iv)
    }

    private func setIV(_ iv: [UInt8]) {
        nonce.copyMemory(from: iv, byteCount: Self.nonceSize)
        counterBase = nonce.loadUnaligned(fromByteOffset: 4, as: UInt64.self)
    }

    private func countRecord() {
        // The number is 64 bits long in network order; no connection lives to see it overflow (§5.3).
        nonce.storeBytes(of: counterBase ^ records.bigEndian, toByteOffset: 4, as: UInt64.self)
        records &+= 1
    }

    /// Protects what lies at `text` in its place, and puts the tag behind it.
    func protect(header: UnsafeRawPointer, _ text: UnsafeMutableRawPointer, count: Int) -> Bool {
        countRecord()
        return switch cipher {
        case .gnutls(let protector): protector.seal(text, count, header, nonce)
        case .ipsecMB(let protector): protector.seal(text, count, header, nonce)
        }
    }

    /// Takes the protection off `count` bytes, tag included, into `text`, which may be `protected` itself.
    ///
    /// - Returns: Whether it is what the peer sent.
    func unprotect(
        header: UnsafeRawPointer, _ protected: UnsafeRawPointer, count: Int, into text: UnsafeMutableRawPointer
    ) -> Bool {
        countRecord()
        return switch cipher {
        case .gnutls(let protector): protector.open(protected, count, into: text, header, nonce)
        case .ipsecMB(let protector): protector.open(protected, count, into: text, header, nonce)
        }
    }
}

/// One library's key of one direction. Freed by hand.
private enum RecordCipher {
    case gnutls(GnuTLSProtector)
    case ipsecMB(IPSecMBProtector)

    static func make(
        _ suite: TLSSuite, key: UnsafeRawBufferPointer, _ library: AEADLibrary
    ) throws(TLSError) -> RecordCipher {
        if library == .ipsecMB, let algorithm = AESGCM(suite.algorithm),
            let protector = IPSecMBProtector(algorithm, key: key)
        {
            return .ipsecMB(protector)
        }
        return .gnutls(try GnuTLSProtector(suite.algorithm, key: key))
    }

    var library: AEADLibrary {
        switch self {
        case .gnutls: .gnutls
        case .ipsecMB: .ipsecMB
        }
    }

    func free() {
        switch self {
        case .gnutls(let protector): protector.free()
        case .ipsecMB(let protector): protector.free()
        }
    }
}

extension PacketProtector {
    fileprivate func seal(
        _ text: UnsafeMutableRawPointer, _ count: Int, _ header: UnsafeRawPointer, _ nonce: UnsafeRawPointer
    ) -> Bool {
        seal(text, count: count, into: text, nonce: nonce, header: header, headerCount: TLSRecord.headerSize)
    }

    fileprivate func open(
        _ sealed: UnsafeRawPointer, _ count: Int, into text: UnsafeMutableRawPointer, _ header: UnsafeRawPointer,
        _ nonce: UnsafeRawPointer
    ) -> Bool {
        open(sealed, count: count, into: text, nonce: nonce, header: header, headerCount: TLSRecord.headerSize)
    }
}

/// A cipher suite's parts (RFC 8446 appendix B.4).
struct TLSSuite {
    let algorithm: gnutls_cipher_algorithm_t
    let keySize: Int
    let hash: gnutls_mac_algorithm_t
    let hashSize: Int

    /// nil for a cipher that TLSPriorities doesn't offer.
    init?(_ algorithm: gnutls_cipher_algorithm_t) {
        self.algorithm = algorithm
        switch algorithm {
        case GNUTLS_CIPHER_AES_128_GCM: (keySize, hash, hashSize) = (16, GNUTLS_MAC_SHA256, 32)
        case GNUTLS_CIPHER_AES_256_GCM: (keySize, hash, hashSize) = (32, GNUTLS_MAC_SHA384, 48)
        case GNUTLS_CIPHER_CHACHA20_POLY1305: (keySize, hash, hashSize) = (32, GNUTLS_MAC_SHA256, 32)
        default: return nil
        }
    }

    /// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
    func expand(_ secret: [UInt8], _ label: String, count: Int) throws(TLSError) -> [UInt8] {
        let label = Array("tls13 ".utf8) + Array(label.utf8)
        let info = [UInt8(count >> 8), UInt8(count & 0xff), UInt8(label.count)] + label + [0]
        var output = [UInt8](repeating: 0, count: count)
        let code = secret.withDatum { secret in
            info.withDatum { info in
                withUnsafePointer(to: secret) { secret in
                    withUnsafePointer(to: info) { gnutls_hkdf_expand(hash, secret, $0, &output, count) }
                }
            }
        }
        try TLSError.check(code, "deriving keys")
        return output
    }
}

extension [UInt8] {
    /// Leaves nothing of a secret in memory that is given back.
    mutating func erase() {
        withUnsafeMutableBytes { bytes in
            if let first = bytes.baseAddress { explicit_bzero(first, bytes.count) }
        }
    }
}
