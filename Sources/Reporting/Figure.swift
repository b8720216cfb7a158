import QrateMeasurement

/// Writes measured values for people. What was not measured is an en dash, never a 0.
enum Figure {
    static let absent = "–"

    /// Four significant digits and a decimal prefix, as in `97.40 MB` or `1.148 GB`. One more than a rate gets, so that
    /// rows add up to the eye.
    static func bytes(_ count: ByteCount?) -> String {
        guard let count else { return absent }
        guard count.bytes >= 1000 else { return "\(count.bytes) B" }
        return scaled(Double(count.bytes) / 1000, digits: 4, units: ["kB", "MB", "GB", "TB", "PB", "EB"])
    }

    static func rate(_ rate: Bitrate?) -> String { rate.map { "\($0)" } ?? absent }

    static func count(_ count: UInt64?) -> String {
        guard let count else { return absent }
        // More than a column holds, and more than any test can lose: only a peer can have said so.
        return count > 9_999_999 ? ">9999999" : "\(count)"
    }

    /// A part of a whole, as in `0.12 %` or `12.3 %`. What is more than nothing never looks like nothing.
    static func share(_ ratio: Double?) -> String {
        guard let ratio, ratio.isFinite else { return absent }
        let percent = ratio * 100
        if percent == 0 || percent == 100 { return fixedPoint(percent, decimals: 0) + " %" }
        if percent > 0, percent < 0.01 { return "<0.01 %" }
        if percent < 100, percent > 99.9 { return ">99.9 %" }
        return fixedPoint(percent, decimals: percent < 9.995 ? 2 : 1) + " %"
    }

    /// A size that somebody chose, in the binary prefix that leaves no remainder: `1 MiB`, `128 KiB`, `1400 bytes`.
    static func size(_ count: ByteCount) -> String {
        for (unit, name) in [(UInt64(1 << 30), "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        where count.bytes >= unit && count.bytes % unit == 0 {
            return "\(count.bytes / unit) \(name)"
        }
        return count.bytes == 1 ? "1 byte" : "\(count.bytes) bytes"
    }

    /// A short time with three significant digits: `85.3 µs`, `24.1 ms`, `1.20 s`.
    static func latency(_ duration: Duration?) -> String {
        guard let duration else { return absent }
        return scaled(Double(duration.nanoseconds) / 1e3, digits: 3, units: ["µs", "ms", "s"])
    }

    /// Processor time, with two significant digits, in seconds: `0.083 s`, `0.91 s`, `1.1 s`, `12 s`.
    static func cost(_ duration: Duration?) -> String {
        guard let seconds = duration?.seconds else { return absent }
        // Each limit is lowered by half of the last place: what rounds up to it has a digit more.
        let decimals = seconds < 0.0995 ? 3 : seconds < 0.995 ? 2 : seconds < 9.95 ? 1 : 0
        return fixedPoint(seconds, decimals: decimals) + " s"
    }

    /// A measured length, always to the millisecond: `10.000 s`.
    static func measured(_ duration: Duration?) -> String {
        duration.map { fixedPoint($0.seconds, decimals: 3) + " s" } ?? absent
    }

    /// The bounds of a row with as few decimals as tell the truth: none when both are within 10 ms of a whole second,
    /// one when both are within 10 ms of a tenth, else two. The tolerance is what a thread may wake late.
    static func bounds(_ start: Duration, _ end: Duration) -> String {
        let tolerance: UInt64 = 10_000_000
        func isNear(_ unit: UInt64) -> Bool {
            [start, end].allSatisfy {
                let excess = $0.nanoseconds % unit
                return min(excess, unit - excess) <= tolerance
            }
        }
        func label(_ decimals: Int) -> (start: String, end: String) {
            (fixedPoint(start.seconds, decimals: decimals), fixedPoint(end.seconds, decimals: decimals))
        }
        let candidates = (isNear(1_000_000_000) ? [0] : []) + (isNear(100_000_000) ? [1] : []) + [2]
        // A row so short that its ends look the same gets another decimal.
        let (start, end) = candidates.lazy.map(label).first { $0.start != $0.end } ?? label(3)
        return "\(start)-\(end) s"
    }

    /// `value` in the first of `units` in which it has at most three digits before the point.
    private static func scaled(_ value: Double, digits: Int, units: [String]) -> String {
        var value = value
        var units = units[...]
        // What rounds up to 1000 belongs to the next unit, hence not a plain comparison with 1000.
        while units.count > 1, decimals(of: value, digits: digits) == nil {
            value /= 1000
            units.removeFirst()
        }
        return fixedPoint(value, decimals: decimals(of: value, digits: digits) ?? 0) + " " + (units.first ?? "")
    }

    /// How many decimals give `value` that many significant digits; nil when it needs four before the point.
    private static func decimals(of value: Double, digits: Int) -> Int? {
        // Each limit is lowered by half of the last place: what rounds up to it has a digit more.
        for (whole, limit) in [(1, 10.0), (2, 100.0), (3, 1000.0)] {
            let decimals = digits - whole
            let halfLastPlace = [0.5, 0.05, 0.005, 0.0005][decimals]
            if value < limit - halfLastPlace { return decimals }
        }
        return nil
    }
}
