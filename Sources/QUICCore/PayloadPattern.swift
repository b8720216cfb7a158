internal import QrateMeasurement

/// The bytes that every bulk stream sends: one immutable block, repeated.
///
/// ngtcp2 doesn't copy stream data and reads it again for a retransmission, so it must stay where it is, unchanged.
/// Payload at stream offset `n` is the block's byte `n mod period`; with two periods in memory, a whole period can be
/// read from any offset, and no bookkeeping per packet is needed. Never freed: connections may point into it until
/// the process ends.
enum PayloadPattern {
    static let period = 1 << 16

    // Written once before anybody can see it, and never again.
    nonisolated(unsafe) static let block: UnsafeMutablePointer<UInt8> = {
        let block = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * period)
        SecureRandom.fill(UnsafeMutableRawBufferPointer(start: block, count: period))
        (block + period).initialize(from: block, count: period)
        return block
    }()

    nonisolated(unsafe) private static let zeros: UnsafeMutablePointer<UInt8> = {
        let block = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * period)
        block.initialize(repeating: 0, count: 2 * period)
        return block
    }()

    static func block(of content: PayloadContent) -> UnsafeMutablePointer<UInt8> {
        switch content {
        case .random: block
        case .zeros: zeros
        }
    }

    /// Where in the block the payload at `offset` of a stream begins; a whole period can be read from there.
    static func position(of offset: UInt64) -> Int { Int(truncatingIfNeeded: offset & UInt64(period - 1)) }
}
