internal import Glibc
package import QrateMeasurement

/// How what was carried on two occasions compares: the ratio of two samples that have no rounds in common, as those of two
/// saved comparisons.
///
/// As in ``PairedRatio`` everything happens on logarithms. The interval is Welch's (Biometrika 34, 1947), which lets the two
/// samples scatter differently, with Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946), rounded down.
///
/// Samples whose length followed from the scatter of their first rounds look steadier than they are: a comparison stops
/// early when the first ones happen to agree. So here, too, the interval by the first ``PairedRatio/pilot`` rounds of each
/// counts where it is the wider one.
package struct UnpairedRatio: Sendable, Hashable {
    /// Natural logarithms.
    private let logarithms: [Double]
    private let others: [Double]

    /// The ratio of `values` to `others`. What isn't positive and finite is no value.
    package init(_ values: [Double], to others: [Double]) {
        logarithms = Self.logarithms(values)
        self.others = Self.logarithms(others)
    }

    /// The ratio of the geometric means; nil when one of the two has no value.
    package var estimate: Double? {
        guard let one = Sample(logarithms[...]), let other = Sample(others[...]) else { return nil }
        return exp(one.mean - other.mean)
    }

    /// 95 % for the ratio that many more rounds on both occasions would show; nil with fewer than two values of either.
    package var interval: RatioInterval? {
        guard let one = Sample(logarithms[...]), let other = Sample(others[...]),
            let first = Sample(logarithms.prefix(PairedRatio.pilot)),
            let otherFirst = Sample(others.prefix(PairedRatio.pilot)),
            let all = Self.halfWidth(one, other, counts: (one.count, other.count)),
            let early = Self.halfWidth(first, otherFirst, counts: (one.count, other.count))
        else { return nil }
        let center = one.mean - other.mean, halfWidth = max(all, early)
        return RatioInterval(lower: exp(center - halfWidth), upper: exp(center + halfWidth))
    }

    /// The geometric mean; nil without a value.
    package static func geometricMean(_ values: [Double]) -> Double? {
        Sample(logarithms(values)[...]).map { exp($0.mean) }
    }

    private static func logarithms(_ values: [Double]) -> [Double] {
        values.filter { $0 > 0 && $0.isFinite }.map { log($0) }
    }

    /// Half the interval for the difference of two means that are known from so many values each, where the values scatter
    /// as the samples do.
    private static func halfWidth(_ one: Sample, _ other: Sample, counts: (Int, Int)) -> Double? {
        guard let left = one.variance, let right = other.variance else { return nil }
        let a = left / Double(counts.0), b = right / Double(counts.1)
        guard a + b > 0 else { return 0 }
        let degrees = (a + b) * (a + b) / (a * a / Double(one.count - 1) + b * b / Double(other.count - 1))
        // Between the smaller of the two degrees and their sum, up to rounding.
        let whole = max(min(one.count, other.count) - 1, Int(degrees.rounded(.down)))
        return StudentT.quantile975(degrees: whole).map { $0 * (a + b).squareRoot() }
    }

    private struct Sample {
        let count: Int
        let mean: Double
        /// nil for a single value.
        let variance: Double?

        /// nil for none.
        init?(_ values: ArraySlice<Double>) {
            guard !values.isEmpty else { return nil }
            let mean = values.reduce(0, +) / Double(values.count)
            count = values.count
            self.mean = mean
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            variance = values.count > 1 ? squares / Double(values.count - 1) : nil
        }
    }
}
