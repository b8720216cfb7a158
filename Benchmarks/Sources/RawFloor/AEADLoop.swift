import CQrateBenchmarksGnuTLS

/// Seals and opens packets with GnuTLS's AES-128-GCM as a QUIC or TLS stack does, and nothing else.
///
/// Everything stays in the cache, so this is the least that packet protection can cost with this library.
struct AEADLoop: ~Copyable {
    /// Packets between two looks at the clock.
    private static let batch = 64
    /// RFC 5116 section 5.1. Which of the bytes differ from packet to packet makes no difference to the cost.
    private static let nonceBytes = 12

    private let cipher: gnutls_aead_cipher_hd_t
    private let packet: Packet

    init(_ packet: Packet) throws(FloorError) {
        var key = [UInt8](repeating: 0x5a, count: 16)
        var cipher: gnutls_aead_cipher_hd_t?
        let status = key.withUnsafeMutableBufferPointer { key in
            var datum = gnutls_datum_t(data: key.baseAddress, size: UInt32(key.count))
            return gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_GCM, &datum)
        }
        guard status == 0, let cipher else { throw .tls("making an AES-128-GCM key", status) }
        self.cipher = cipher
        self.packet = packet
    }

    deinit { gnutls_aead_cipher_deinit(cipher) }

    /// In place, as ngtcp2 seals: the plaintext lies where the ciphertext goes.
    func seal(for seconds: Double) throws(FloorError) -> LoopCost {
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: packet.bytes, alignment: 64)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 0x71, count: packet.bytes)

        return try run(for: seconds) { number throws(FloorError) in try seal(number, in: buffer) }
    }

    /// From the datagram into another buffer, as ngtcp2 opens; the same datagram over and over.
    func open(for seconds: Double) throws(FloorError) -> LoopCost {
        let datagram = UnsafeMutableRawPointer.allocate(byteCount: packet.bytes, alignment: 64)
        let plaintext = UnsafeMutableRawPointer.allocate(byteCount: packet.bytes, alignment: 64)
        defer {
            datagram.deallocate()
            plaintext.deallocate()
        }
        datagram.initializeMemory(as: UInt8.self, repeating: 0x71, count: packet.bytes)
        try seal(0, in: datagram)

        return try run(for: seconds) { _ throws(FloorError) in try open(0, from: datagram, into: plaintext) }
    }

    private func run(
        for seconds: Double, _ work: (_ number: Int) throws(FloorError) -> Void
    ) throws(FloorError) -> LoopCost {
        let stopwatch = ThreadStopwatch()
        var packets: UInt64 = 0
        repeat {
            for number in 0..<Self.batch { try work(number) }
            packets += UInt64(Self.batch)
        } while stopwatch.elapsedSeconds < seconds
        return stopwatch.cost(ofPayload: packets * UInt64(packet.payloadBytes))
    }

    private func seal(_ number: Int, in buffer: UnsafeMutableRawPointer) throws(FloorError) {
        let payload = buffer + packet.headerBytes
        var sealedBytes = packet.payloadBytes + Packet.tagBytes
        let status = withNonce(number) { nonce in
            gnutls_aead_cipher_encrypt(
                cipher, nonce, Self.nonceBytes, buffer, packet.headerBytes, Packet.tagBytes, payload,
                packet.payloadBytes, payload, &sealedBytes)
        }
        guard status == 0 else { throw .tls("sealing", status) }
    }

    private func open(
        _ number: Int, from datagram: UnsafeMutableRawPointer, into plaintext: UnsafeMutableRawPointer
    ) throws(FloorError) {
        var openedBytes = packet.bytes
        let status = withNonce(number) { nonce in
            gnutls_aead_cipher_decrypt(
                cipher, nonce, Self.nonceBytes, datagram, packet.headerBytes, Packet.tagBytes,
                datagram + packet.headerBytes, packet.payloadBytes + Packet.tagBytes, plaintext, &openedBytes)
        }
        guard status == 0 else { throw .tls("opening", status) }
    }

    private func withNonce(_ number: Int, _ body: (UnsafePointer<UInt64>) -> CInt) -> CInt {
        // 16 bytes, of which the call reads 12.
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { nonce in
            nonce.initialize(repeating: 0x2b2b_2b2b_2b2b_2b2b)
            nonce[0] ^= UInt64(number)
            return body(UnsafePointer(nonce.baseAddress!))
        }
    }
}
