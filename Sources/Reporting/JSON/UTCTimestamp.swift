import QrateMeasurement

/// A point in time as RFC 3339 writes it, in UTC and with milliseconds: `2026-11-20T23:18:19.042Z`.
struct UTCTimestamp: CustomStringConvertible {
    private let milliseconds: Int64

    /// Nil for what has no four-digit year (RFC 3339 §5.6).
    init?(secondsSince1970 seconds: Double) {
        let milliseconds = (seconds * 1000).rounded()
        // 0000-01-01 and 10000-01-01. Not a number is in no range.
        guard milliseconds >= -62_167_219_200_000, milliseconds < 253_402_300_800_000 else { return nil }
        self.milliseconds = Int64(milliseconds)
    }

    var description: String {
        let (days, time) = Self.divide(milliseconds, by: 86_400_000)
        let (year, month, day) = Self.date(days: days)
        let date = "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(day, 2))"
        let hour = Self.digits(time / 3_600_000, 2)
        let minute = Self.digits(time / 60_000 % 60, 2)
        let second = "\(Self.digits(time / 1000 % 60, 2)).\(Self.digits(time % 1000, 3))"
        return "\(date)T\(hour):\(minute):\(second)Z"
    }

    /// The Gregorian date of a day counted from 1970-01-01.
    ///
    /// Years are taken to begin in March, so that a leap day is the last day of its year; then 400, 100 and 4 years and
    /// one year are each as long as the one before, except that the last of a group may be a day longer.
    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let daysFromYear0ToEpoch: Int64 = 719_468  // 0000-03-01 to 1970-01-01
        var (year, day) = divide(days + daysFromYear0ToEpoch, by: 146_097)
        year *= 400
        for (length, years, most) in [(36_524, 100, 3), (1461, 4, 24), (365, 1, 3)] as [(Int64, Int64, Int64)] {
            let count = min(day / length, most)
            day -= count * length
            year += count * years
        }
        var month: Int64 = 3
        for length in [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31] as [Int64] {
            guard day >= length else { break }
            day -= length
            month += 1
        }
        return month > 12 ? (year + 1, month - 12, day + 1) : (year, month, day + 1)
    }

    /// Quotient rounded down, and a remainder that is never negative.
    private static func divide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func digits(_ value: Int64, _ count: Int) -> String {
        let text = "\(value)"
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
