internal import Glibc
package import QrateMeasurement

/// How two transports compare: the ratio of what each carried in the same round, over rounds that were run one behind the
/// other, so that a path that changes changes both.
///
/// Ratios multiply, so everything happens on their logarithms: the estimate is the geometric mean, and of a to b it is
/// exactly the inverse of b to a.
///
/// How many rounds there are may depend on the scatter of the first ones (``pilot``), and on nothing else that they say.
/// That is Stein's two-stage procedure (Annals of Mathematical Statistics 16, 1945): with the scatter *and* the degrees of
/// freedom of those first rounds alone the interval keeps its 95 %, however many more rounds followed. Looking after every
/// round whether the interval is narrow enough yet, and taking the scatter of all of them, would not: one stops when the
/// scatter happens to look small. The procedure is exact for a normal scatter. Where outliers make that of the first rounds
/// look small by chance, all rounds know better: the wider of the two intervals counts.
package struct PairedRatio: Sendable, Hashable {
    /// Rounds whose scatter decides how many there will be.
    package static let pilot = 5

    /// Natural logarithms of the ratios, one per round.
    private var logarithms: [Double] = []

    package init() {}

    /// Adds a round. One in which either of them carried nothing has no ratio, and isn't one.
    package mutating func add(_ value: Double, to other: Double) {
        guard value > 0, other > 0, value.isFinite, other.isFinite else { return }
        logarithms.append(log(value / other))
    }

    package var count: Int { logarithms.count }

    /// nil without a round.
    package var estimate: Double? { mean(logarithms).map { exp($0) } }

    /// 95 % for the ratio that many more rounds would show; nil with fewer than two.
    package var interval: RatioInterval? {
        guard let center = mean(logarithms), let first = Self.reach(logarithms.prefix(Self.pilot)),
            let all = Self.reach(logarithms[...])
        else { return nil }
        let halfWidth = max(first, all) / Double(count).squareRoot()
        return RatioInterval(lower: exp(center - halfWidth), upper: exp(center + halfWidth))
    }

    /// How many rounds it takes until the interval reaches no further than `precision` from the estimate; at least
    /// ``pilot``.
    ///
    /// - Parameter precision: As a share of the estimate, 0.05 for 5 %.
    /// - Returns: nil as long as the first rounds aren't in.
    package func roundsNeeded(precision: Double) -> Int? {
        guard count >= Self.pilot, precision > 0, let reach = Self.reach(logarithms.prefix(Self.pilot)) else {
            return nil
        }
        let ratio = reach / log1p(precision)
        // What needs more rounds than this needs more than anybody will wait for.
        return max(Self.pilot, Int(min((ratio * ratio).rounded(.up), 1e9)))
    }

    /// Half the interval that one round would have, were its scatter that of `rounds`.
    private static func reach(_ rounds: ArraySlice<Double>) -> Double? {
        guard let scatter = deviation(rounds), let quantile = StudentT.quantile975(degrees: rounds.count - 1) else {
            return nil
        }
        return quantile * scatter
    }

    private func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The sample's standard deviation.
    private static func deviation(_ values: ArraySlice<Double>) -> Double? {
        guard values.count > 1 else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(values.count - 1)).squareRoot()
    }
}
