internal import CQrateGnuTLS
internal import CQratePacketCiphers
internal import Glibc

/// AES-GCM by libipsec-mb, whose code for wide vectors of AES instructions is several times faster than GnuTLS 3.7.9's.
package struct IPSecMBProtector: PacketProtector {
    package static let library = AEADLibrary.ipsecMB

    /// At the beginning of the memory that a key has.
    private struct Key {
        let functions: qrate_gcm
        let expanded: OpaquePointer
        let context: OpaquePointer
        let byteCount: Int
    }

    private let key: UnsafePointer<Key>

    /// nil where there is no such library.
    private static let functions: qrate_gcm_library? = {
        var library = qrate_gcm_library()
        return qrate_gcm_load(&library) == 0 ? library : nil
    }()

    package static var isThere: Bool { functions != nil }

    package init?(_ algorithm: AESGCM, key raw: UnsafeRawBufferPointer) {
        guard raw.count == algorithm.keySize, let library = Self.functions else { return nil }
        let functions =
            switch algorithm {
            case .aes128: library.aes128
            case .aes256: library.aes256
            }
        func aligned(_ size: Int) -> Int { (size + library.alignment - 1) / library.alignment * library.alignment }
        let keyOffset = aligned(MemoryLayout<Key>.size)
        let contextOffset = keyOffset + aligned(library.key_size)
        let byteCount = contextOffset + aligned(library.context_size)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: library.alignment)
        memset(memory, 0, byteCount)
        let key = memory.bindMemory(to: Key.self, capacity: 1)
        key.initialize(
            to: Key(
                functions: functions, expanded: OpaquePointer(memory + keyOffset),
                context: OpaquePointer(memory + contextOffset), byteCount: byteCount))
        functions.expand(raw.baseAddress, key.pointee.expanded)
        self.key = UnsafePointer(key)
    }

    package func free() {
        let memory = UnsafeMutableRawPointer(mutating: key)
        explicit_bzero(memory, key.pointee.byteCount)
        memory.deallocate()
    }

    /// For who can keep nothing but a pointer: never odd, because keys are aligned.
    package var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(mutating: key) }

    package init(address: UnsafeMutableRawPointer) { key = UnsafePointer(address.assumingMemoryBound(to: Key.self)) }

    package func seal(
        _ text: UnsafeRawPointer, count: Int, into sealed: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool {
        let target = sealed.assumingMemoryBound(to: UInt8.self)
        key.pointee.functions.seal(
            key.pointee.expanded, key.pointee.context, target, text.assumingMemoryBound(to: UInt8.self), UInt64(count),
            nonce.assumingMemoryBound(to: UInt8.self), header.assumingMemoryBound(to: UInt8.self), UInt64(headerCount),
            target + count, UInt64(AESGCM.tagSize))
        return true
    }

    package func open(
        _ sealed: UnsafeRawPointer, count: Int, into text: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool {
        let size = count - AESGCM.tagSize
        guard size >= 0 else { return false }
        var tag: (UInt64, UInt64) = (0, 0)
        return withUnsafeMutableBytes(of: &tag) { tag in
            guard let made = tag.baseAddress else { return false }
            key.pointee.functions.open(
                key.pointee.expanded, key.pointee.context, text.assumingMemoryBound(to: UInt8.self),
                sealed.assumingMemoryBound(to: UInt8.self), UInt64(size), nonce.assumingMemoryBound(to: UInt8.self),
                header.assumingMemoryBound(to: UInt8.self), UInt64(headerCount),
                made.assumingMemoryBound(to: UInt8.self), UInt64(AESGCM.tagSize))
            // In constant time: how far a forged tag is right must not show.
            return gnutls_memcmp(made, sealed + size, AESGCM.tagSize) == 0
        }
    }
}
