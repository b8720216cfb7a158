package import QrateMeasurement

/// What a finished profile says of the rate's course (docs/ACCURACY.md has the definitions).
extension RateProfile {
    /// The usual length of a slice in nanoseconds: that of the shortest interval row. Longer than most round trips, so that
    /// a window that is sent in one go looks like the rate that it stands for.
    static let slice: UInt64 = 100_000_000
    /// What a slice holds on average at least, so that single packets or records don't look like a rate that varies.
    static let arrivalsPerSlice = 10.0
    /// Slices that the plateau has at least: a standard deviation of fewer says nothing.
    static let fewestSlices = 5
    /// The rate is at the plateau when it has reached this share of it.
    static let reached = 0.9

    /// - Parameters:
    ///   - start: Where the measured window begins, after the first payload byte.
    ///   - length: The window's.
    /// - Returns: nil when too little arrived, or the window is too short, to tell.
    package func steadyState(from start: Duration, length: Duration) -> SteadyState? {
        let end = index((start + length).nanoseconds)
        let middle = (start + length / 2).nanoseconds
        let plateau = min(end, middle > 0 ? index(middle - 1) + 1 : 0)..<end
        let total = sum(plateau)
        guard total > 0, arrivals > 0 else { return nil }
        let mean = Double(total) / Double(plateau.count)

        var bins = max(1, Int((Self.slice + width - 1) / width))
        let arrival = Double(bytes) / Double(arrivals)
        while mean * Double(bins) < Self.arrivalsPerSlice * arrival, bins <= plateau.count { bins *= 2 }
        guard plateau.count / bins >= Self.fewestSlices else { return nil }
        let slices = rates(of: plateau, each: bins)
        guard let reached = timeToPlateau(mean, slice: bins, before: end) else { return nil }
        return SteadyState(
            timeTo90Percent: .nanoseconds(Int64(clamping: reached)), plateau: bitrate(mean),
            deviation: bitrate(slices.standardDeviation), slice: .nanoseconds(Int64(clamping: UInt64(bins) * width)),
            twoRates: twoRates(from: max(start.nanoseconds, reached), to: end, slice: bins))
    }

    /// The first stretch of a slice's length that holds 90 % of what the plateau brings in that time: its beginning, and
    /// the time that the rest of it would have taken.
    private func timeToPlateau(_ mean: Double, slice: Int, before end: Int) -> UInt64? {
        guard slice <= end else { return nil }
        let whole = mean * Double(slice)
        var held = sum(0..<slice)
        for first in 0...end - slice {
            if first > 0 { held = held &+ bins[first + slice - 1] &- bins[first - 1] }
            guard Double(held) >= Self.reached * whole else { continue }
            let missing = max(0, whole - Double(held)) / mean * Double(width)
            return UInt64(first) * width + UInt64(missing)
        }
        return nil
    }

    // MARK: Two rates

    /// Into so many equal parts the time on the plateau is divided to look for two levels.
    static let parts = 30
    /// Shorter parts would show the bursts of a congestion window instead.
    static let shortestPart: UInt64 = 200_000_000
    /// The share of the parts that each level has at least.
    static let smallestShare = 0.2
    /// The middle of the way between the means of the two groups: so much of it, and no more parts in it than those in which
    /// the rate changed from one level to the other. Of 30 values of a normal, uniform, exponential or autocorrelated
    /// distribution fewer than 1 in 100 draws look so.
    static let middle = 0.65
    static let partsInTheMiddle = 3
    /// The distance of the levels, of the mean: what is less needs no other explanation than scatter.
    static let leastDistance = 0.2

    private func twoRates(from start: UInt64, to end: Int, slice: Int) -> TwoRates? {
        let each = (end - min(end, index(start) + 1)) / Self.parts
        guard each >= slice, UInt64(each) * width >= Self.shortestPart else { return nil }
        return Self.twoLevels(of: rates(of: end - each * Self.parts..<end, each: each)).map {
            TwoRates(low: bitrate($0.low), high: bitrate($0.high), lowShare: $0.lowShare)
        }
    }

    /// The two groups that leave the least variance within them (Otsu's threshold), if they are far enough apart.
    static func twoLevels(of values: [Double]) -> (low: Double, high: Double, lowShare: Double)? {
        let sorted = values.sorted()
        let total = sorted.reduce(0, +)
        guard sorted.count > 1, total > 0 else { return nil }
        let count = Double(sorted.count)
        var best = (between: -1.0, lower: 0, low: 0.0, high: 0.0)
        var lowSum = 0.0
        for lower in 1..<sorted.count {
            lowSum += sorted[lower - 1]
            let low = lowSum / Double(lower), high = (total - lowSum) / (count - Double(lower))
            let between = Double(lower) * (count - Double(lower)) * (high - low) * (high - low)
            if between > best.between { best = (between, lower, low, high) }
        }
        let share = Double(best.lower) / count
        let distance = best.high - best.low
        guard share >= smallestShare, 1 - share >= smallestShare, distance >= leastDistance * total / count else {
            return nil
        }
        let edge = distance * (1 - middle) / 2
        let between = sorted.count { $0 > best.low + edge && $0 < best.high - edge }
        guard between <= partsInTheMiddle else { return nil }
        return (best.low, best.high, share)
    }

    // MARK: -

    /// The bin that a time lies in; that after the last one for what lies behind.
    private func index(_ nanoseconds: UInt64) -> Int { Int(min(nanoseconds / width, UInt64(Self.binCount))) }

    private func sum(_ range: Range<Int>) -> UInt64 { bins[range].reduce(0, &+) }

    /// Bytes per bin in pieces of `each` bins; a rest is left out.
    private func rates(of range: Range<Int>, each: Int) -> [Double] {
        (0..<range.count / each).map { piece in
            let first = range.lowerBound + piece * each
            return Double(sum(first..<first + each)) / Double(each)
        }
    }

    /// - Parameter rate: Bytes per bin.
    private func bitrate(_ rate: Double) -> Bitrate {
        Bitrate(bitsPerSecond: UInt64(min((rate * 8e9 / Double(width)).rounded(), 0x1p63)))
    }
}

extension [Double] {
    /// Of a sample: divided by one less than there are.
    fileprivate var standardDeviation: Double {
        guard count > 1 else { return 0 }
        let mean = reduce(0, +) / Double(count)
        return (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot()
    }
}
