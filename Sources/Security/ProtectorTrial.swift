internal import Glibc

/// Finds out whether one library's AES-GCM computes what another's does, and which is faster. Takes about a millisecond.
package enum ProtectorTrial {
    package enum Outcome: Sendable, Hashable {
        /// The candidate agrees, and takes this share of the reference's time for a packet.
        case won(share: Double)
        /// It agrees, but isn't worth a change.
        case slower(share: Double)
        case disagreed(Case)
    }

    /// What was sealed and opened.
    package struct Case: Sendable, Hashable {
        package var algorithm: AESGCM
        /// In bytes.
        package var textCount: Int
        package var headerCount: Int
    }

    /// Of text, in bytes: all remainders of a block and of what wide code does at once, usual packets, and the largest of
    /// packets and records.
    package static let textCounts =
        Array(0...67) + stride(from: 79, through: 1100, by: 31)
        + [1172, 1184, 1200, 1400, 1414, 1424, 1436, 1460, 2048, 4096, 8942, 8999, 9000, 16_385, largest]
    private static let largest = 65_477
    /// Of headers, in bytes: 5 of records, up to 25 of packets with 1-RTT keys (RFC 9000 §17.3), 14 of most of them.
    package static let headerCounts = [14, 5, 2, 25, 10, 16, 21]
    /// A share of the time above which a gain would drown in noise.
    static let worthwhile = 0.9

    package static func run<Candidate: PacketProtector, Reference: PacketProtector>(
        _: Candidate.Type, against _: Reference.Type
    ) -> Outcome {
        let bench = Bench()
        for algorithm in AESGCM.allCases {
            if let failed = bench.disagreement(Candidate.self, Reference.self, algorithm) { return .disagreed(failed) }
        }
        return judge(bench.time(Candidate.self), against: bench.time(Reference.self))
    }

    /// - Parameters: Both in nanoseconds; 0 for what took no time at all.
    static func judge(_ candidate: UInt64, against reference: UInt64) -> Outcome {
        let share = Double(candidate) / Double(max(1, reference))
        return share < worthwhile ? .won(share: share) : .slower(share: share)
    }

    /// The memory of one trial.
    private final class Bench {
        private let text = buffer(seed: 1)
        private let sealed = buffer(seed: 2)
        private let expected = buffer(seed: 3)
        private let header = buffer(seed: 4)

        private static let capacity = (largest + AESGCM.tagSize + 7) & ~7

        private static func buffer(seed: Int) -> UnsafeMutableRawBufferPointer {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
            for offset in stride(from: 0, through: capacity - 8, by: 8) {
                let word = UInt64(offset + seed) &* 0x9e37_79b9_7f4a_7c15
                buffer.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            }
            return buffer
        }

        deinit { for buffer in [text, sealed, expected, header] { buffer.deallocate() } }

        /// The first case in which the two differ, or in which the candidate takes what was changed.
        func disagreement<Candidate: PacketProtector, Reference: PacketProtector>(
            _: Candidate.Type, _: Reference.Type, _ algorithm: AESGCM
        ) -> Case? {
            let key = UnsafeRawBufferPointer(rebasing: expected[100..<100 + algorithm.keySize])
            guard let reference = Reference(algorithm, key: key) else {
                return Case(algorithm: algorithm, textCount: 0, headerCount: 0)
            }
            defer { reference.free() }
            guard let candidate = Candidate(algorithm, key: key) else {
                return Case(algorithm: algorithm, textCount: 0, headerCount: 0)
            }
            defer { candidate.free() }
            for (index, count) in textCounts.enumerated() {
                let headerCount = headerCounts[index % headerCounts.count]
                guard agree(candidate, reference, count, headerCount, nonce: index) else {
                    return Case(algorithm: algorithm, textCount: count, headerCount: headerCount)
                }
            }
            return nil
        }

        private func agree(
            _ candidate: some PacketProtector, _ reference: some PacketProtector, _ count: Int, _ headerCount: Int,
            nonce: Int
        ) -> Bool {
            guard let text = text.baseAddress, let sealed = sealed.baseAddress, let expected = expected.baseAddress,
                let header = header.baseAddress
            else { return false }
            let nonce = UnsafeRawPointer(header + 64 + nonce)
            let sealedCount = count + AESGCM.tagSize
            func opens(_ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer) -> Bool {
                candidate.open(
                    source, count: sealedCount, into: target, nonce: nonce, header: header, headerCount: headerCount)
            }
            /// Whether it is noticed that one bit of that byte has changed.
            func notices(_ byte: UnsafeMutableRawPointer) -> Bool {
                let original = byte.load(as: UInt8.self)
                byte.storeBytes(of: original ^ (1 << (count % 8)), as: UInt8.self)
                defer { byte.storeBytes(of: original, as: UInt8.self) }
                return !opens(expected, into: sealed)
            }

            // In place, and from one buffer to another.
            sealed.copyMemory(from: text, byteCount: count)
            guard
                candidate.seal(
                    sealed, count: count, into: sealed, nonce: nonce, header: header, headerCount: headerCount),
                reference.seal(
                    text, count: count, into: expected, nonce: nonce, header: header, headerCount: headerCount),
                memcmp(sealed, expected, sealedCount) == 0,
                opens(sealed, into: sealed), memcmp(sealed, text, count) == 0,
                candidate.seal(
                    text, count: count, into: sealed, nonce: nonce, header: header, headerCount: headerCount),
                memcmp(sealed, expected, sealedCount) == 0,
                opens(expected, into: sealed), memcmp(sealed, text, count) == 0
            else { return false }
            return notices(expected + count + count % AESGCM.tagSize)
                && notices(header + count % headerCount)
                && (count == 0 || notices(expected + count / 2))
        }

        /// What sealing and opening some packets takes at best, in nanoseconds.
        func time<Protector: PacketProtector>(_: Protector.Type) -> UInt64 {
            let key = UnsafeRawBufferPointer(rebasing: expected.prefix(AESGCM.aes128.keySize))
            guard let protector = Protector(.aes128, key: key), let text = text.baseAddress,
                let sealed = sealed.baseAddress, let header = header.baseAddress
            else { return .max }
            defer { protector.free() }
            let nonce = UnsafeRawPointer(header + 64)
            return (0..<Self.rounds).map { _ in
                let start = Self.now()
                for _ in 0..<Self.packets {
                    _ = protector.seal(
                        text, count: Self.packet, into: sealed, nonce: nonce, header: header, headerCount: 14)
                    _ = protector.open(
                        sealed, count: Self.packet + AESGCM.tagSize, into: text, nonce: nonce, header: header,
                        headerCount: 14)
                }
                return Self.now() - start
            }.min() ?? .max
        }

        // The best of a few: the first ones find cold caches, and others may be interrupted.
        private static let rounds = 8
        private static let packets = 32
        /// Bytes of text in a full packet of 1452.
        private static let packet = 1424

        private static func now() -> UInt64 {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
    }
}
