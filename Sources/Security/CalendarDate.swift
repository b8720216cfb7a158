internal import Glibc

/// Days of the calendar, in UTC, as messages and `known_servers` spell them: `2026-11-20`.
enum CalendarDate {
    static func today() -> String { text(secondsSince1970: time(nil)) }

    static func text(secondsSince1970 seconds: time_t) -> String {
        var seconds = seconds
        var parts = tm()
        // Only a year beyond 32 bits fails, and no certificate can hold one.
        guard gmtime_r(&seconds, &parts) != nil else { return "?" }
        return "\(pad(Int(parts.tm_year) + 1900, 4))-\(pad(Int(parts.tm_mon) + 1, 2))-\(pad(Int(parts.tm_mday), 2))"
    }

    /// Whether `text` has the form of a date; which days a month has is not looked at.
    static func isDate(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 10 else { return false }
        return bytes.indices.allSatisfy { index in
            index == 4 || index == 7
                ? bytes[index] == UInt8(ascii: "-")
                : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index])
        }
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
