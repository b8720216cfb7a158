/// Seals and opens packets with one library's AES-128-GCM as a QUIC or TLS stack does, and nothing else.
///
/// Everything stays in the cache, so this is the least that packet protection can cost with this library.
struct AEADLoop: ~Copyable {
    /// Packets between two looks at the clock.
    private static let batch = 64

    private let key: AEADKey
    private let packet: Packet

    init(_ packet: Packet, _ library: AEADLibrary) throws(FloorError) {
        key = try .make(library)
        self.packet = packet
    }

    deinit { key.free() }

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
        try withNonce(number) { nonce throws(FloorError) in
            try key.seal(
                buffer + packet.headerBytes, packet.payloadBytes, header: buffer, packet.headerBytes, nonce: nonce)
        }
    }

    private func open(
        _ number: Int, from datagram: UnsafeMutableRawPointer, into plaintext: UnsafeMutableRawPointer
    ) throws(FloorError) {
        try withNonce(number) { nonce throws(FloorError) in
            try key.open(
                datagram + packet.headerBytes, packet.payloadBytes + Packet.tagBytes, into: plaintext, header: datagram,
                packet.headerBytes, nonce: nonce)
        }
    }

    private func withNonce(
        _ number: Int, _ body: (UnsafeRawPointer) throws(FloorError) -> Void
    ) throws(FloorError) {
        // 16 bytes, of which a call reads 12. Which of them differ from packet to packet makes no difference to the cost.
        var nonce: (UInt64, UInt64) = (0x2b2b_2b2b_2b2b_2b2b ^ UInt64(number), 0x2b2b_2b2b_2b2b_2b2b)
        try withUnsafePointer(to: &nonce) { pointer throws(FloorError) in try body(pointer) }
    }
}
