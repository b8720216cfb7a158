import QrateSecurity

/// AES-128-GCM alone, by each library that is here, at the sizes of a usual QUIC packet, one for jumbo frames, and one for
/// loopback.
enum CipherLoops {
    struct Failure: Error {}

    private static let sizes = [1424, 8944, 65_000]

    static func all() throws -> [any Benchmark] {
        try Libraries.here.flatMap { library in
            switch library {
            case .gnutls: try loops(GnuTLSProtector.self)
            case .ipsecMB: try loops(IPSecMBProtector.self)
            }
        }
    }

    private static func loops<Protector: PacketProtector>(_: Protector.Type) throws -> [any Benchmark] {
        try sizes.flatMap { size in
            let loop = try CipherLoop<Protector>(size)
            try loop.seal()
            let name = "aead/\(Protector.library.rawValue)/\(size)"
            return [
                Loop(name: name + "/seal", operation: "packet", bytes: size) { try loop.seal() },
                Loop(name: name + "/open", operation: "packet", bytes: size) { try loop.open() },
            ]
        }
    }
}

/// The AEAD libraries that this machine has.
enum Libraries {
    static var here: [AEADLibrary] { AEADLibrary.allCases.filter { $0 != .ipsecMB || IPSecMBProtector.isThere } }
}

/// One packet, sealed and opened over and over.
private final class CipherLoop<Protector: PacketProtector> {
    private let protector: Protector
    private let size: Int
    private let plain: UnsafeMutableRawPointer
    private let sealed: UnsafeMutableRawPointer
    private let nonce = [UInt8](repeating: 7, count: AESGCM.nonceSize)
    private let header = [UInt8](repeating: 9, count: 14)

    init(_ size: Int) throws {
        let key = [UInt8](repeating: 0x5a, count: AESGCM.aes128.keySize)
        guard let protector = key.withUnsafeBytes({ Protector(.aes128, key: $0) }) else { throw CipherLoops.Failure() }
        self.protector = protector
        self.size = size
        plain = .allocate(byteCount: size, alignment: 64)
        sealed = .allocate(byteCount: size + AESGCM.tagSize, alignment: 64)
        plain.initializeMemory(as: UInt8.self, repeating: 0x71, count: size)
        sealed.initializeMemory(as: UInt8.self, repeating: 0, count: size + AESGCM.tagSize)
    }

    deinit {
        protector.free()
        plain.deallocate()
        sealed.deallocate()
    }

    func seal() throws {
        let isSealed = nonce.withUnsafeBytes { nonce in
            header.withUnsafeBytes { header in
                guard let nonce = nonce.baseAddress, let first = header.baseAddress else { return false }
                return protector.seal(
                    plain, count: size, into: sealed, nonce: nonce, header: first, headerCount: header.count)
            }
        }
        guard isSealed else { throw CipherLoops.Failure() }
    }

    func open() throws {
        let isOpened = nonce.withUnsafeBytes { nonce in
            header.withUnsafeBytes { header in
                guard let nonce = nonce.baseAddress, let first = header.baseAddress else { return false }
                return protector.open(
                    sealed, count: size + AESGCM.tagSize, into: plain, nonce: nonce, header: first,
                    headerCount: header.count)
            }
        }
        guard isOpened else { throw CipherLoops.Failure() }
    }
}
