internal import CQrateGnuTLS
internal import CQrateNgtcp2
internal import QrateSecurity

/// One key for 1-RTT packets: who uses it, and which connection's packets it is for.
///
/// ngtcp2 knows a key by a pointer only (`native_handle`), which it hands to callbacks that learn nothing else. That of a
/// key of this kind has its lowest bit set; the others, which are GnuTLS's, are even. So those of Initial and Handshake
/// packets go on to ngtcp2's own callbacks.
struct PacketKey {
    /// Of the connection, which outlives its keys.
    let tap: UnsafeMutablePointer<PacketTap>
    /// libipsec-mb's key; nil where `stock` does the work.
    let protector: IPSecMBProtector?
    /// GnuTLS's, as ngtcp2 made it.
    var stock = ngtcp2_crypto_aead_ctx()

    // MARK: As ngtcp2 keeps it

    /// Freed by ``free(_:)``, which ngtcp2 has called for each key that it was given.
    func context() -> ngtcp2_crypto_aead_ctx {
        let place = UnsafeMutablePointer<PacketKey>.allocate(capacity: 1)
        place.initialize(to: self)
        return ngtcp2_crypto_aead_ctx(native_handle: UnsafeMutableRawPointer(place) + 1)
    }

    /// nil for a key that isn't of this kind.
    @inline(__always)
    static func place(_ context: UnsafePointer<ngtcp2_crypto_aead_ctx>?) -> UnsafeMutablePointer<PacketKey>? {
        guard let handle = context?.pointee.native_handle, UInt(bitPattern: handle) & 1 == 1 else { return nil }
        return (handle - 1).assumingMemoryBound(to: PacketKey.self)
    }

    static func free(_ place: UnsafeMutablePointer<PacketKey>) {
        place.pointee.protector?.free()
        ngtcp2_crypto_aead_ctx_free(&place.pointee.stock)
        place.deallocate()
    }
}
