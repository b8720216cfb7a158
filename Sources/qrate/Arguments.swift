public import ArgumentParser
public import QrateKit

/// A number with a suffix: what sizes, rates and durations are written with.
enum Quantity {
    /// The number before the suffix, and the suffix. nil unless the number is a plain, finite, positive decimal.
    static func split(_ text: String) -> (number: Double, suffix: Substring)? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard !digits.isEmpty, let number = Double(String(digits)), number.isFinite else { return nil }
        return (number, text[digits.endIndex...])
    }
}

extension ByteCount: ExpressibleByArgument {
    /// Bytes with binary suffixes: `1000000`, `64K`, `1.5M`, `2G`.
    public init?(argument: String) {
        guard let (number, suffix) = Quantity.split(argument) else { return nil }
        let scales: [String: Double] = ["": 1, "K": 1024, "M": 1_048_576, "G": 1_073_741_824, "T": 1_099_511_627_776]
        guard let scale = scales[suffix.uppercased()] else { return nil }
        let bytes = (number * scale).rounded()
        guard bytes < 9.2e18 else { return nil }
        self.init(UInt64(bytes))
    }
}

extension Bitrate: ExpressibleByArgument {
    /// Bits per second with decimal suffixes: `2500000`, `64K`, `1.5M`, `10G`.
    public init?(argument: String) {
        guard let (number, suffix) = Quantity.split(argument) else { return nil }
        let scales: [String: Double] = ["": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]
        guard let scale = scales[suffix.uppercased()] else { return nil }
        let rate = (number * scale).rounded()
        // What rounds to nothing isn't the 0 that means "unlimited".
        guard rate < 9.2e18, rate > 0 || number == 0 else { return nil }
        self.init(bitsPerSecond: UInt64(rate))
    }
}

/// A time on the command line: `10`, `10s`, `1m30s`, `500ms`, `1h`.
struct TimeArgument: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        var rest = argument[...]
        var total = Duration.zero
        var parts = 0
        while !rest.isEmpty {
            guard let (number, tail) = Quantity.split(String(rest)) else { return nil }
            let unit = tail.prefix { $0.isLetter }
            let scales: [String: Double] = ["": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600]
            // A number without a unit stands alone: 1m30 could be anything.
            guard let scale = scales[unit.lowercased()], !(unit.isEmpty && parts > 0) else { return nil }
            guard number * scale < 31_622_400 else { return nil }  // a year
            total += .nanoseconds(Int64((number * scale * 1e9).rounded()))
            rest = tail[unit.endIndex...]
            parts += 1
        }
        guard parts > 0 else { return nil }
        duration = total
    }

    var description: String {
        let seconds = duration.seconds
        return seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(Int((seconds * 1000).rounded()))ms"
    }
}

extension CertificateFiles {
    /// What an option for a certificate and one for its key say together; nil for neither.
    ///
    /// - Parameter options: What the two are called, for the message when one is missing.
    static func given(_ chain: String?, _ key: String?, _ options: String) throws(TestFailure) -> CertificateFiles? {
        switch (chain, key) {
        case (let chain?, let key?): CertificateFiles(chain: chain, key: key)
        case (nil, nil): nil
        default: throw TestFailure(.usage, "\(options) go together: one is missing")
        }
    }
}

/// What a flag or an option is called, for those that were given: at most one of them may be.
enum Exclusive {
    /// - Parameter given: A name where it was given, nil where it wasn't.
    static func check(_ given: [String?]) throws(TestFailure) {
        let names = given.compactMap(\.self)
        guard names.count > 1 else { return }
        throw TestFailure(.usage, "\(names.joined(separator: " and ")) exclude each other: choose one")
    }
}
