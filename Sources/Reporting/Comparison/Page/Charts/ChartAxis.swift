internal import Glibc
import QrateMeasurement

/// An axis: what it spans, where its ticks are, and in which unit they are written.
///
/// Ticks lie at multiples of 1, 2 or 5 times a power of ten. Values are in base units: bit/s, bytes or seconds.
struct ChartAxis: Sendable, Hashable {
    enum Quantity: Sendable {
        case bitrate, bytes, time

        /// A value in words, as everywhere else in a report.
        func words(_ value: Double) -> String {
            // What a peer can say is larger than what can be counted.
            let value = ChartAxis.sane(value)
            let whole = UInt64(exactly: value.rounded()) ?? .max
            return switch self {
            case .bitrate: Figure.rate(Bitrate(bitsPerSecond: whole))
            case .bytes: "\(ByteCount(whole))"
            case .time: Figure.latency(.seconds(min(value, 1e9)))
            }
        }
    }

    struct Tick: Sendable, Hashable {
        var value: Double
        var label: String
    }

    let lower: Double
    let upper: Double
    let ticks: [Tick]
    /// As in `Mbit/s`.
    let unit: String

    /// From nothing to a little more than `most`.
    init(_ quantity: Quantity, to most: Double, ticks count: Int = 5) {
        let most = Self.sane(most)
        self.init(quantity, from: 0, upTo: most > 0 ? most * 1.04 : Self.smallest(quantity), ticks: count)
    }

    /// Around the values, so that their scatter shows. It begins at nothing where they come near it, and spans a fifth of
    /// the largest at least: what is alike must look alike.
    init(_ quantity: Quantity, around values: [Double], ticks count: Int = 5) {
        let values = values.map(Self.sane)
        guard let least = values.min(), let most = values.max(), most > 0 else {
            self.init(quantity, to: 0, ticks: count)
            return
        }
        let margin = max((most - least) * 0.08, (most * 0.2 - (most - least)) / 2)
        guard least - margin > most * 0.35 else {
            self.init(quantity, to: most, ticks: count)
            return
        }
        self.init(quantity, from: least - margin, upTo: most + margin, ticks: count)
    }

    /// The time since the first byte.
    init(seconds: Double) {
        let seconds = Self.sane(seconds)
        self.init(.time, from: 0, upTo: seconds > 0 ? seconds : 1, ticks: 5)
    }

    private init(_ quantity: Quantity, from lower: Double, upTo upper: Double, ticks count: Int) {
        let (unit, size) = Self.unit(quantity, for: upper)
        let step = Self.step(atLeast: (upper - lower) / Double(max(count, 1)))
        // A step of 0.05 units needs two decimals, one of 20 none.
        let decimals = min(3, max(0, Int((-log10(step / size) - 1e-9).rounded(.up))))
        let first = (lower / step).rounded(.up)
        let last = (upper / step).rounded(.down)
        self.lower = lower
        self.upper = upper
        self.unit = unit
        ticks = stride(from: first, through: last, by: 1).map {
            Tick(value: $0 * step, label: fixedPoint($0 * step / size, decimals: decimals))
        }
    }

    /// How far along the axis a value lies: 0 to 1, and no farther than its ends.
    func place(_ value: Double) -> Double {
        let share = (Self.sane(value) - lower) / (upper - lower)
        return share.isFinite ? min(max(share, 0), 1) : 0
    }

    /// The least of 1, 2 and 5 times a power of ten that isn't less than `size`.
    static func step(atLeast size: Double) -> Double {
        guard size > 0, size.isFinite else { return 1 }
        let power = pow(10, log10(size).rounded(.down))
        // What is a rounding error above a step is that step.
        return [1, 2, 5].map { $0 * power }.first { $0 >= size * 0.999_999 } ?? 10 * power
    }

    private static func unit(_ quantity: Quantity, for most: Double) -> (name: String, size: Double) {
        switch quantity {
        case .bitrate: prefixed("bit/s", most)
        case .bytes: prefixed("B", most)
        case .time where most < 1e-3: ("µs", 1e-6)
        case .time where most < 1: ("ms", 1e-3)
        case .time: ("s", 1)
        }
    }

    private static func prefixed(_ unit: String, _ most: Double) -> (String, Double) {
        let prefixes = [("E", 1e18), ("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)]
        return prefixes.first { most >= $0.1 }.map { ($0.0 + unit, $0.1) } ?? (unit, 1)
    }

    /// What an axis spans on which everything is 0.
    private static func smallest(_ quantity: Quantity) -> Double { quantity == .time ? 1e-3 : 1 }

    /// A value that can be drawn: finite, not negative, and within what figures of a test can be.
    fileprivate static func sane(_ value: Double) -> Double { value.isFinite ? min(max(value, 0), 1e20) : 0 }
}
