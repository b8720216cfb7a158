import QrateMeasurement

/// How much payload arrived when, finely enough to see how a rate comes to its plateau, in memory that doesn't grow.
///
/// Bins of equal width; when time runs past the last one, neighbours are joined and all become twice as wide. So 1.6 ms
/// tell of a test of 3 s, 6.3 ms of one of 10 s, and 3.2 s of one of an hour.
///
/// Owned by one thread, or kept under one lock. No clock, no allocation after `init`.
package struct RateProfile: Sendable {
    /// 16 KiB per test and receiving end.
    static let binCount = 2048
    /// In nanoseconds: a 64th of ``SteadyState/slice``'s usual length, so that slices stay whole bins as bins double.
    static let firstWidth: UInt64 = 1_562_500

    private(set) var bins = [UInt64](repeating: 0, count: binCount)
    /// Nanoseconds.
    private(set) var width = firstWidth
    private(set) var bytes: UInt64 = 0
    /// How often payload was counted: a packet each time, a run of them, or a record.
    private(set) var arrivals: UInt64 = 0

    package init() {}

    /// Counts payload that had arrived `elapsed` nanoseconds after the first byte.
    package mutating func record(_ count: UInt64, at elapsed: UInt64) {
        var index = elapsed / width
        while index >= Self.binCount {
            joinNeighbours()
            index = elapsed / width
        }
        bins[Int(index)] &+= count
        bytes &+= count
        arrivals &+= 1
    }

    private mutating func joinNeighbours() {
        for index in 0..<Self.binCount / 2 { bins[index] = bins[2 * index] &+ bins[2 * index + 1] }
        for index in Self.binCount / 2..<Self.binCount { bins[index] = 0 }
        width *= 2
    }
}
