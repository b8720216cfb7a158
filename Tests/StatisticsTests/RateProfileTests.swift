import Glibc
import QrateMeasurement
import QrateTestSupport
import Testing

@testable import QrateStatistics

@Suite("the profile of a rate") struct RateProfileTests {
    private static let second: UInt64 = 1_000_000_000

    /// A profile of arrivals every 500 µs: `rate` gives their bytes, for the time in seconds.
    private func profile(seconds: Double, _ rate: (Double) -> Double) -> RateProfile {
        var profile = RateProfile()
        for tick in 0..<Int(seconds * 2000) {
            let time = Double(tick) / 2000
            profile.record(UInt64(max(0, rate(time)).rounded()), at: UInt64(tick) * 500_000)
        }
        return profile
    }

    private func steady(_ seconds: Int64, warmUp: Duration = .zero, _ rate: (Double) -> Double) -> SteadyState? {
        profile(seconds: Double(seconds) + warmUp.seconds, rate)
            .steadyState(from: warmUp, length: .seconds(seconds))
    }

    /// 500 µs of 100 Mbit/s.
    private let full = 6250.0

    // MARK: Bins

    @Test("no byte is lost or moved when bins double, over nine orders of magnitude of time")
    func bins() {
        var profile = RateProfile()
        var sum: UInt64 = 0
        var time: UInt64 = 0
        while time < 3_600 * Self.second {
            profile.record(time % 1000 + 1, at: time)
            sum += time % 1000 + 1
            time = time * 21 / 20 + 1
        }
        #expect(profile.bins.reduce(0, +) == sum)
        #expect(profile.bytes == sum)
        #expect(profile.bins.count == RateProfile.binCount)
        #expect(profile.width == 3_200_000_000)
        profile.record(7, at: .max)
        #expect(profile.bins.reduce(0, +) == sum + 7)
        #expect(profile.bins.last == 0 || profile.bins[Int(UInt64.max / profile.width)] >= 7)
    }

    @Test("a bin holds what arrived in its time")
    func places() {
        var profile = RateProfile()
        for millisecond in 0..<10_000 { profile.record(1, at: UInt64(millisecond) * 1_000_000) }
        #expect(profile.width == 6_250_000)
        // 6.25 ms hold six or seven whole milliseconds.
        #expect(profile.bins.prefix(1600).allSatisfy { (6...7).contains($0) })
        #expect(profile.bins.dropFirst(1600).allSatisfy { $0 == 0 })
    }

    // MARK: Plateau

    @Test("a constant rate is at its plateau from the start, and has no spread")
    func constant() throws {
        let state = try #require(steady(10) { _ in full })
        #expect(state.plateau.bitsPerSecond == 100_000_000)
        #expect(state.deviation.bitsPerSecond == 0)
        #expect(state.slice == .milliseconds(100))
        #expect(state.timeTo90Percent == .zero)
        #expect(state.twoRates == nil)
    }

    @Test("a rate that begins late has its plateau from then on", arguments: [0.05, 0.5, 2.0])
    func step(at start: Double) throws {
        let state = try #require(steady(10) { $0 < start ? 0 : full })
        #expect(state.plateau.bitsPerSecond == 100_000_000)
        // A bin is 6.25 ms wide.
        #expect(abs(state.timeTo90Percent.seconds - start) < 0.007, "\(state.timeTo90Percent)")
    }

    @Test("a rate that doubles with each round trip is found when it arrives, to one and a half round trips")
    func slowStart() throws {
        for roundTrip in [0.005, 0.02, 0.04, 0.1] {
            // Six doublings: a 64th of the plateau at first.
            let arrival = 6 * roundTrip
            let state = try #require(steady(10) { full * min(1, exp2(($0 - arrival) / roundTrip)) })
            let error = state.timeTo90Percent.seconds - arrival
            #expect((-1.5 * roundTrip - 0.007)...0.007 ~= error, "\(roundTrip): \(error)")
        }
    }

    @Test("windows that are sent in one go each round trip are a rising rate, not a plateau in their first burst")
    func bursts() throws {
        let roundTrip = 0.04
        let state = try #require(
            steady(10) { time in
                let round = (time / roundTrip).rounded(.down)
                let share = min(1, exp2(round - 5))
                return time - round * roundTrip < share * roundTrip ? full : 0
            })
        #expect(abs(state.plateau.bitsPerSecond.distance(to: 100_000_000)) < 1_000_000)
        #expect((0.12...0.21).contains(state.timeTo90Percent.seconds), "\(state.timeTo90Percent)")
    }

    @Test("the time to the plateau counts from the first byte, also where a warm-up leaves the rise out")
    func warmUp() throws {
        let state = try #require(steady(4, warmUp: .seconds(1)) { $0 < 0.5 ? full / 4 : full })
        #expect(abs(state.timeTo90Percent.seconds - 0.5) < 0.007)
        #expect(state.plateau.bitsPerSecond == 100_000_000)
    }

    @Test("what comes behind the window, or shifts in the first half, isn't in the plateau")
    func bounds() throws {
        let profile = profile(seconds: 12) { $0 < 5 ? full * 3 : $0 < 10 ? full : full * 50 }
        let state = try #require(profile.steadyState(from: .zero, length: .seconds(10)))
        #expect(state.plateau.bitsPerSecond == 100_000_000)
        #expect(state.deviation.bitsPerSecond == 0)
    }

    @Test("noise has the spread that it has, and its mean is the plateau")
    func noise() throws {
        var random = SplitMix64(seed: 1)
        // Each 100 ms slice at a rate of its own: normal, 10 %.
        let slices = (0..<600).map { _ in 1 + 0.1 * Double.normal(&random) }
        let state = try #require(steady(60) { full * slices[Int($0 * 10 + 1e-9)] })
        #expect(abs(Double(state.plateau.bitsPerSecond) / 1e8 - 1) < 0.02)
        #expect((0.08...0.12).contains(Double(state.deviation.bitsPerSecond) / 1e8))
        #expect(state.slice == .milliseconds(100))
        #expect(state.twoRates == nil)
    }

    @Test("a test that is too short or too slow has no figures")
    func tooLittle() {
        #expect(RateProfile().steadyState(from: .zero, length: .seconds(10)) == nil)
        let short = profile(seconds: 1) { _ in full }
        #expect(short.steadyState(from: .zero, length: .milliseconds(900)) == nil)
        #expect(short.steadyState(from: .zero, length: .seconds(1)) != nil)
        #expect(short.steadyState(from: .seconds(30), length: .seconds(10)) == nil)
        #expect(short.steadyState(from: .zero, length: .zero) == nil)
        #expect(short.steadyState(from: .seconds(1 << 60), length: .seconds(1 << 60)) == nil)
        // A packet a second.
        var slow = RateProfile()
        for second in 0..<10 { slow.record(1200, at: UInt64(second) * Self.second) }
        #expect(slow.steadyState(from: .zero, length: .seconds(10)) == nil)
    }

    @Test("a slow flow's slices are as long as it takes that packets don't look like scatter")
    func slow() throws {
        // A record of 16 KiB each 60 ms: 2.2 Mbit/s, in slices of 100 ms one or two of them.
        var profile = RateProfile()
        for record in 0..<1000 { profile.record(16_384, at: UInt64(record) * 60_000_000) }
        let state = try #require(profile.steadyState(from: .zero, length: .seconds(60)))
        #expect(state.slice == .milliseconds(800))
        #expect(Double(state.deviation.bitsPerSecond) < 0.1 * Double(state.plateau.bitsPerSecond))
        #expect(state.twoRates == nil)
    }

    // MARK: Two rates

    @Test("a rate that goes to and fro between two levels has both, with their shares")
    func twoRates() throws {
        // 30 s, of which 13 at half the rate, twice.
        let state = try #require(steady(60) { Int($0) % 30 < 17 ? full : full / 2 })
        let rates = try #require(state.twoRates)
        #expect((50_000_000...55_000_000).contains(rates.low.bitsPerSecond))
        #expect((95_000_000...100_000_000).contains(rates.high.bitsPerSecond))
        #expect((0.35...0.5).contains(rates.lowShare))
    }

    @Test("a rate that falls to another level and stays there has two")
    func levelShift() throws {
        let state = try #require(steady(10) { $0 < 4 ? full : full * 0.6 })
        let rates = try #require(state.twoRates)
        #expect(rates.low.bitsPerSecond == 60_000_000)
        #expect((97_000_000...100_000_000).contains(rates.high.bitsPerSecond))
        #expect((0.55...0.65).contains(rates.lowShare))
    }

    @Test("the rise at the start is no second level, nor are a few stalls, nor levels that are close")
    func notTwo() throws {
        #expect(try #require(steady(10) { $0 < 2 ? full / 3 : full }).twoRates == nil)
        #expect(try #require(steady(10) { (4..<5.5).contains($0) ? 0 : full }).twoRates == nil)
        #expect(try #require(steady(10) { $0 < 5 ? full : full * 0.85 }).twoRates == nil)
        #expect(try #require(steady(5) { $0 < 2 ? full : full / 2 }).twoRates == nil, "30 parts would be too short")
    }

    @Test("of 1,000 runs of noise fewer than 10 look like two rates", arguments: Noise.allCases)
    func falseAlarms(noise: Noise) {
        var random = SplitMix64(seed: 11)
        let alarms = (0..<1000).filter { _ in
            RateProfile.twoLevels(of: noise.values(RateProfile.parts, &random)) != nil
        }
        #expect(alarms.count < 10)
    }

    @Test("of 1,000 runs with a level shift of 40 % under noise 950 are found")
    func found() {
        var random = SplitMix64(seed: 11)
        let found = (0..<1000).filter { _ in
            let values = (0..<30).map { ($0 < 12 ? 0.6 : 1) * (1 + 0.05 * Double.normal(&random)) }
            return RateProfile.twoLevels(of: values) != nil
        }
        #expect(found.count >= 950)
    }

    enum Noise: CaseIterable {
        case normal, wide, uniform, exponential, correlated, veryCorrelated, sawtooth, walk

        func values(_ count: Int, _ random: inout SplitMix64) -> [Double] {
            switch self {
            case .normal: return (0..<count).map { _ in 1 + 0.1 * .normal(&random) }
            case .wide: return (0..<count).map { _ in max(0, 1 + 0.3 * .normal(&random)) }
            case .uniform: return (0..<count).map { _ in .random(in: 0..<1, using: &random) }
            case .exponential: return (0..<count).map { _ in -Glibc.log(1 - .random(in: 0..<1, using: &random)) }
            case .correlated: return Self.autoregressive(0.8, count, &random)
            case .veryCorrelated: return Self.autoregressive(0.95, count, &random)
            case .sawtooth:
                let period = Double.random(in: 2..<12, using: &random), phase = Double.random(in: 0..<1, using: &random)
                return (0..<count).map {
                    0.7 + 0.3 * (Double($0) / period + phase).truncatingRemainder(dividingBy: 1) + 0.02
                        * .normal(&random)
                }
            case .walk:
                var value = 1.0
                return (0..<count).map { _ in
                    value += 0.1 * .normal(&random)
                    return max(0, value)
                }
            }
        }

        private static func autoregressive(_ memory: Double, _ count: Int, _ random: inout SplitMix64) -> [Double] {
            var state = Double.normal(&random)
            return (0..<count).map { _ in
                defer { state = memory * state + (1 - memory * memory).squareRoot() * .normal(&random) }
                return max(0, 1 + 0.3 * state)
            }
        }
    }
}

extension Double {
    /// A draw from the standard normal distribution (Box and Muller).
    fileprivate static func normal(_ random: inout SplitMix64) -> Double {
        let radius = (-2 * Glibc.log(1 - Double.random(in: 0..<1, using: &random))).squareRoot()
        return radius * Glibc.cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }
}
