/// Where in the ``PayloadBlock`` a sender's next write begins.
///
/// Writes follow one another through the block, so that small ones don't repeat the same few bytes, which a path could
/// compress. They stay within its beginning, because what is sent again and again should stay in the processor's cache.
struct PayloadCursor {
    /// What the cursor goes around: longer than what deflate looks back for repetitions (32 KiB, RFC 1951 section 2), and
    /// no shorter than a write.
    private let period: Int
    private var position = 0

    private static let shortestPeriod = 64 << 10

    /// - Parameter unit: The largest write, at most the block's size.
    init(unit: Int) { period = max(unit, Self.shortestPeriod) }

    /// Where a write of `count` bytes begins; the same until something was taken.
    mutating func offset(for count: Int) -> Int {
        if position + count > period { position = 0 }
        return position
    }

    mutating func took(_ count: Int) { position += count }
}
