import QrateMeasurement

/// Settings can't be understood; says which and why.
package struct SettingsError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

extension LinkSettings: CustomStringConvertible {
    /// As ``update(_:)`` takes it: everything that isn't as in a new value.
    package var description: String {
        let usual = LinkSettings()
        var parts: [String] = []
        if delay != usual.delay { parts.append("delay=\(delay.nanoseconds)ns") }
        if jitter != usual.jitter { parts.append("jitter=\(jitter.nanoseconds)ns") }
        if loss != usual.loss { parts.append("loss=\(loss)") }
        if let bursts { parts += ["bursts=\(bursts.start)", "burst-length=\(bursts.meanLength)"] }
        if let rate { parts.append("rate=\(rate.bitsPerSecond)") }
        if queueLimit != usual.queueLimit { parts.append("queue=\(queueLimit)") }
        if udpLoss != usual.udpLoss { parts.append("udp-loss=\(udpLoss)") }
        if let udpRate { parts.append("udp-rate=\(udpRate.bitsPerSecond)") }
        if reordering != usual.reordering { parts.append("reorder=\(reordering)") }
        if holdBack != usual.holdBack { parts.append("hold=\(holdBack.nanoseconds)ns") }
        if duplication != usual.duplication { parts.append("duplicate=\(duplication)") }
        return parts.joined(separator: ",")
    }

    /// Changes what the text names, as in `delay=20ms,rate=100M,loss=1%`.
    ///
    /// Times have a unit (`ns`, `us`, `ms`, `s`), shares are 0 to 1 or a percentage, rates (bits per second) and sizes
    /// (bytes) may end in `K`, `M` or `G`, all of them decimal.
    package mutating func update(_ text: String) throws(SettingsError) {
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard let key = sides.first, let value = sides.dropFirst().first else {
                throw SettingsError("\"\(part)\" is not of the form name=value")
            }
            try set(key, value)
        }
    }

    private mutating func set(_ key: String, _ value: String) throws(SettingsError) {
        switch key {
        case "delay": delay = try Quantity.time(key, value)
        case "jitter": jitter = try Quantity.time(key, value)
        case "loss": loss = try Quantity.share(key, value)
        case "bursts":
            bursts = Bursts(
                start: try Quantity.share(key, value), meanLength: bursts?.meanLength ?? Bursts.usualLength)
        case "burst-length":
            let length = try Quantity.number(key, value)
            guard length >= 1 else { throw SettingsError("\(key)=\(value): a run takes at least 1 packet") }
            bursts = Bursts(start: bursts?.start ?? 0, meanLength: length)
        case "rate": rate = try Quantity.rate(key, value)
        case "udp-loss": udpLoss = try Quantity.share(key, value)
        case "udp-rate": udpRate = try Quantity.rate(key, value)
        case "queue": queueLimit = Int(clamping: try Quantity.count(key, value))
        case "reorder": reordering = try Quantity.share(key, value)
        case "hold": holdBack = try Quantity.time(key, value)
        case "duplicate": duplication = try Quantity.share(key, value)
        default:
            throw SettingsError(
                "\"\(key)\" is none of delay, jitter, loss, bursts, burst-length, rate, queue, udp-loss, udp-rate, "
                    + "reorder, hold, duplicate"
            )
        }
    }
}

extension LinkSettings.Bursts {
    /// Packets; as long as a queue's overflow often lasts.
    static let usualLength = 5.0
}

/// Numbers with units, as ``LinkSettings/update(_:)`` takes them.
enum Quantity {
    static func number(_ key: String, _ text: some StringProtocol) throws(SettingsError) -> Double {
        guard let value = Double(text), value.isFinite, value >= 0 else {
            throw SettingsError("\(key)=\(text): that is no number")
        }
        return value
    }

    static func share(_ key: String, _ text: String) throws(SettingsError) -> Double {
        let isPercentage = text.hasSuffix("%")
        let value = try number(key, isPercentage ? text.dropLast() : text[...]) / (isPercentage ? 100 : 1)
        guard value <= 1 else { throw SettingsError("\(key)=\(text): a share is at most 1, or 100%") }
        return value
    }

    static func time(_ key: String, _ text: String) throws(SettingsError) -> Duration {
        let units = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0)]
        guard let (unit, seconds) = units.first(where: { text.hasSuffix($0.0) }) else {
            throw SettingsError("\(key)=\(text): a time needs a unit: ns, us, ms or s")
        }
        let value = try number(key, text.dropLast(unit.count)) * seconds
        guard value <= 3600 else { throw SettingsError("\(key)=\(text): at most an hour") }
        return .nanoseconds(Int64((value * 1e9).rounded()))
    }

    static func rate(_ key: String, _ text: String) throws(SettingsError) -> Bitrate {
        let bits = try count(key, text)
        guard bits > 0 else { throw SettingsError("\(key)=\(text): the rate must be above 0") }
        return Bitrate(bitsPerSecond: bits)
    }

    static func count(_ key: String, _ text: String) throws(SettingsError) -> UInt64 {
        let factor: Double =
            switch text.last {
            case "K": 1e3
            case "M": 1e6
            case "G": 1e9
            default: 1
            }
        let value = try number(key, factor == 1 ? text[...] : text.dropLast()) * factor
        guard value <= 1e15 else { throw SettingsError("\(key)=\(text): too large") }
        return UInt64(value)
    }
}
