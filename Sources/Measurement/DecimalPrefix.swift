/// Writes quantities for people: three significant digits and a decimal prefix.
enum DecimalPrefix {
    static func format(_ value: Double, unit: String) -> String {
        var scaled = value
        var prefixes = ["", "k", "M", "G", "T", "P", "E"][...]
        // 999.5 and not 1000: what rounds up to 1000 belongs to the next prefix.
        while scaled >= 999.5, prefixes.count > 1 {
            scaled /= 1000
            prefixes.removeFirst()
        }
        let prefix = prefixes.first ?? ""
        let isWhole = prefix.isEmpty
        return significant(scaled, isWhole: isWhole) + " " + (prefix.isEmpty ? unit : prefix + unit)
    }

    private static func significant(_ value: Double, isWhole: Bool) -> String {
        if isWhole || value >= 99.95 { return fixed(value, decimals: 0) }
        return fixed(value, decimals: value >= 9.995 ? 1 : 2)
    }

    static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let scale = [1.0, 10, 100, 1000][min(max(decimals, 0), 3)]
        let rounded = Int64((abs(value) * scale).rounded())
        let sign = value < 0 && rounded > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(rounded)" }
        let fraction = "\(rounded % Int64(scale))"
        return "\(sign)\(rounded / Int64(scale))." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}

/// A number with a fixed count of decimals (0 to 3), independent of any locale.
public func fixedPoint(_ value: Double, decimals: Int) -> String { DecimalPrefix.fixed(value, decimals: decimals) }
