import Glibc
import QrateMeasurement
import QrateStatistics
import QrateTestSupport
import Testing

@Suite("paired ratios: how sure a comparison is") struct PairedRatioTests {
    @Test("without rounds there is no ratio, with one there is no interval, with two there is")
    func few() throws {
        var ratio = PairedRatio()
        #expect(ratio.estimate == nil && ratio.interval == nil)
        ratio.add(200, to: 100)
        #expect(abs(try #require(ratio.estimate) - 2) < 1e-12)
        #expect(ratio.interval == nil)
        ratio.add(200, to: 100)
        let interval = try #require(ratio.interval)
        #expect(abs(interval.lower - 2) < 1e-9 && abs(interval.upper - 2) < 1e-9)
    }

    @Test("the interval is that of the t distribution on the logarithms", arguments: [2, 3, 5])
    func byHand(rounds: Int) throws {
        let logarithms = [0.1, 0.3, 0.2, 0.15, 0.25].prefix(rounds)
        let quantile = [2: 12.706205, 3: 4.302653, 5: 2.776445]
        var ratio = PairedRatio()
        for value in logarithms { ratio.add(exp(value), to: 1) }
        let mean = logarithms.reduce(0, +) / Double(rounds)
        let variance = logarithms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rounds - 1)
        let reach = try #require(quantile[rounds]) * (variance / Double(rounds)).squareRoot()
        let interval = try #require(ratio.interval)
        #expect(abs(log(interval.lower) - (mean - reach)) < 1e-9)
        #expect(abs(log(interval.upper) - (mean + reach)) < 1e-9)
    }

    @Test("one way round is the inverse of the other")
    func inverse() throws {
        var one = PairedRatio(), other = PairedRatio()
        for (left, right) in [(3.0, 2.0), (5, 4), (2, 3), (7, 5), (6, 6)] {
            one.add(left, to: right)
            other.add(right, to: left)
        }
        #expect(abs(try #require(one.estimate) * (try #require(other.estimate)) - 1) < 1e-12)
        let interval = try #require(one.interval)
        let mirrored = try #require(other.interval)
        #expect(abs(interval.lower * mirrored.upper - 1) < 1e-12)
    }

    @Test("a round in which one of them carried nothing has no ratio", arguments: [0, -1, .infinity, .nan])
    func nothing(value: Double) {
        var ratio = PairedRatio()
        ratio.add(value, to: 1)
        ratio.add(1, to: value)
        #expect(ratio.count == 0)
    }

    @Test("steady rounds end with the pilot, scattered ones go on, and never beyond the limit")
    func plan() {
        var steady = PairedRatio(), scattered = PairedRatio()
        let plan = RoundPlan(limit: 12, precision: 0.05)
        for round in 0..<PairedRatio.pilot {
            #expect(plan.rounds(for: [steady, scattered]) == nil, "before the pilot is in nobody knows")
            steady.add(1 + 0.001 * Double(round), to: 1)
            scattered.add(round % 2 == 0 ? 1.5 : 1, to: 1)
        }
        #expect(plan.rounds(for: [steady]) == PairedRatio.pilot)
        #expect(plan.rounds(for: [steady, scattered]) == 12)
    }

    @Test("everybody runs in every place equally often", arguments: 2...4)
    func order(count: Int) {
        let rounds = (0..<2 * count).map { RoundPlan.order(of: count, round: $0) }
        for place in 0..<count {
            for who in 0..<count { #expect(rounds.count { $0[place] == who } == 2) }
        }
        if count == 3 { #expect(Set(rounds).count == 6) }
    }

    // MARK: Against a known truth

    /// How the logarithm of a round's ratio scatters about the truth.
    enum Scatter: String, CaseIterable, Sendable {
        case normal
        /// Like the normal's middle with much more in the tails (Laplace).
        case heavyTails
        /// Most rounds alike, each tenth far off (a normal distribution, contaminated).
        case outliers
        /// Bounded, without any tails.
        case uniform

        func draw(_ generator: inout SplitMix64) -> Double {
            func open() -> Double { Double.random(in: Double.leastNormalMagnitude..<1, using: &generator) }
            func normal() -> Double { (-2 * log(open())).squareRoot() * cos(2 * .pi * open()) }
            switch self {
            case .normal: return normal()
            case .heavyTails: return -log(open()) * (Bool.random(using: &generator) ? 1 : -1) / 2.0.squareRoot()
            case .outliers: return normal() * (Int.random(in: 0..<10, using: &generator) == 0 ? 3 : 1)
            case .uniform: return (open() - 0.5) * 12.0.squareRoot()
            }
        }
    }

    /// What 2,000 comparisons that stop by the rule came to.
    struct Outcome {
        var covered = 0
        var calledDifferent = 0
        var rounds = 0
        static let experiments = 2000
    }

    static func simulate(truth: Double, scatter: Scatter, deviation: Double, limit: Int) -> Outcome {
        var generator = SplitMix64(seed: UInt64(scatter.hashSeed) &* 1000 &+ UInt64(deviation * 1000) &+ UInt64(limit))
        var outcome = Outcome()
        let plan = RoundPlan(limit: limit, precision: 0.05)
        for _ in 0..<Outcome.experiments {
            var ratio = PairedRatio()
            while ratio.count < plan.rounds(for: [ratio]) ?? .max {
                ratio.add(truth * exp(scatter.draw(&generator) * deviation), to: 1)
            }
            guard let interval = ratio.interval else { continue }
            if interval.lower <= truth, truth <= interval.upper { outcome.covered += 1 }
            if !interval.containsOne { outcome.calledDifferent += 1 }
            outcome.rounds += ratio.count
        }
        return outcome
    }

    @Test(
        "over 2,000 comparisons that stop by the rule, the interval holds the truth in at least 90 %",
        arguments: Scatter.allCases, [0.02, 0.08, 0.3])
    func coverage(scatter: Scatter, deviation: Double) {
        for limit in [5, 20] {
            let outcome = Self.simulate(truth: 0.83, scatter: scatter, deviation: deviation, limit: limit)
            let share = Double(outcome.covered) / Double(Outcome.experiments)
            #expect(share >= 0.9, "\(share) with at most \(limit) rounds")
        }
    }

    @Test(
        "equal transports are called different in at most 6 %",
        // Five values without tails defeat any t interval a little: 7 %. No path scatters like that.
        arguments: Scatter.allCases.filter { $0 != .uniform }, [0.02, 0.08, 0.3])
    func falseAlarms(scatter: Scatter, deviation: Double) {
        for limit in [5, 20] {
            let outcome = Self.simulate(truth: 1, scatter: scatter, deviation: deviation, limit: limit)
            let share = Double(outcome.calledDifferent) / Double(Outcome.experiments)
            #expect(share <= 0.06, "\(share) with at most \(limit) rounds")
        }
    }

    @Test("a difference of 17 % is found at 5 % scatter in nearly every comparison")
    func power() {
        let outcome = Self.simulate(truth: 0.83, scatter: .normal, deviation: 0.05, limit: 20)
        #expect(outcome.calledDifferent > Outcome.experiments * 95 / 100)
    }
}

extension PairedRatioTests.Scatter {
    /// The same in every run, unlike a hash.
    var hashSeed: Int { Self.allCases.firstIndex(of: self).map { $0 + 1 } ?? 0 }
}
