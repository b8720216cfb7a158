import Glibc
import QrateMeasurement
import QrateStatistics
import QrateTestSupport
import Testing

@Suite("unpaired ratios: how sure a diff is") struct UnpairedRatioTests {
    @Test("without values there is no ratio, with one of either there is no interval, with two there is")
    func few() throws {
        #expect(UnpairedRatio([], to: [1, 2]).estimate == nil)
        let one = UnpairedRatio([4], to: [1, 4])
        #expect(abs(try #require(one.estimate) - 2) < 1e-12)
        #expect(one.interval == nil)
        let interval = try #require(UnpairedRatio([4, 4], to: [2, 2]).interval)
        #expect(abs(interval.lower - 2) < 1e-12 && abs(interval.upper - 2) < 1e-12)
    }

    @Test("what carried nothing is no value", arguments: [0, -1, .infinity, .nan])
    func nothing(value: Double) {
        #expect(UnpairedRatio([value], to: [1]).estimate == nil)
        #expect(UnpairedRatio.geometricMean([value, 3]).map { abs($0 - 3) < 1e-12 } == true)
    }

    @Test("the interval is Welch's, on the logarithms, with the degrees of freedom rounded down")
    func byHand() throws {
        let one = [0.10, 0.30, 0.20, 0.40], other = [0.05, 0.06, 0.04]
        let ratio = UnpairedRatio(one.map { exp($0) }, to: other.map { exp($0) })
        // Variances 1/60 and 1/10000, so of the means 1/240 and 1/30000; 3.05 degrees of freedom: 3, of which the t
        // distribution's quantile is 3.182446.
        let reach = 3.182446 * (1.0 / 240 + 1.0 / 30000).squareRoot()
        let interval = try #require(ratio.interval)
        #expect(abs(try #require(ratio.estimate) - exp(0.2)) < 1e-12)
        #expect(abs(log(interval.lower) - (0.2 - reach)) < 1e-6)
        #expect(abs(log(interval.upper) - (0.2 + reach)) < 1e-6)
    }

    @Test("before against after is the inverse of after against before")
    func inverse() throws {
        let one = [3.0, 5, 2, 7], other = [2.0, 4, 3, 5, 6, 9]
        let there = try #require(UnpairedRatio(one, to: other).interval)
        let back = try #require(UnpairedRatio(other, to: one).interval)
        #expect(abs(there.lower * back.upper - 1) < 1e-12)
        #expect(abs(there.upper * back.lower - 1) < 1e-12)
    }

    @Test("first rounds that scatter more than the rest widen the interval")
    func firstRounds() throws {
        let wild = [1.0, 1.5, 0.7, 1.4, 0.8], calm = Array(repeating: 1.0, count: 20)
        let early = try #require(UnpairedRatio(wild + calm, to: calm + calm).interval)
        let late = try #require(UnpairedRatio(calm + wild, to: calm + calm).interval)
        #expect(early.upper / early.lower > late.upper / late.lower)
    }

    // MARK: Against a known truth

    /// One comparison's rounds of one transport, beside another's, ended by the rule that comparisons end by.
    private static func rounds(
        truth: Double, scatter: PairedRatioTests.Scatter, deviation: Double, _ generator: inout SplitMix64
    ) -> [Double] {
        let plan = RoundPlan(limit: 15, precision: 0.05)
        var ratio = PairedRatio(), values: [Double] = []
        while ratio.count < plan.rounds(for: [ratio]) ?? .max {
            let value = truth * exp(scatter.draw(&generator) * deviation)
            ratio.add(value, to: exp(scatter.draw(&generator) * deviation))
            values.append(value)
        }
        return values
    }

    @Test(
        "over 2,000 diffs of comparisons that ended by their rule, the interval holds the truth in at least 93 %",
        arguments: PairedRatioTests.Scatter.allCases, [0.01, 0.04, 0.15])
    func coverage(scatter: PairedRatioTests.Scatter, deviation: Double) {
        var generator = SplitMix64(seed: UInt64(scatter.hashSeed) &* 77 &+ UInt64(deviation * 1000))
        let experiments = 2000, truth = 0.9
        var covered = 0, falseAlarms = 0
        for _ in 0..<experiments {
            // The later one scatters twice as much.
            let before = Self.rounds(truth: 1, scatter: scatter, deviation: deviation, &generator)
            let after = Self.rounds(truth: truth, scatter: scatter, deviation: 2 * deviation, &generator)
            if let interval = UnpairedRatio(after, to: before).interval {
                if interval.lower <= truth, truth <= interval.upper { covered += 1 }
            }
            let same = Self.rounds(truth: 1, scatter: scatter, deviation: deviation, &generator)
            if let interval = UnpairedRatio(same, to: before).interval, interval.upper < 1 { falseAlarms += 1 }
        }
        #expect(Double(covered) / Double(experiments) >= 0.93, "\(covered) of \(experiments)")
        // One side of a 95 % interval.
        #expect(Double(falseAlarms) / Double(experiments) <= 0.035, "\(falseAlarms) of \(experiments)")
    }

    @Test("a loss of 10 % is found at 3 % scatter in nearly every diff")
    func power() {
        var generator = SplitMix64(seed: 5), found = 0
        for _ in 0..<500 {
            let before = Self.rounds(truth: 1, scatter: .normal, deviation: 0.03, &generator)
            let after = Self.rounds(truth: 0.9, scatter: .normal, deviation: 0.03, &generator)
            if let interval = UnpairedRatio(after, to: before).interval, interval.upper < 1 { found += 1 }
        }
        #expect(found > 450, "\(found) of 500")
    }
}
