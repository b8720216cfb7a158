extension PathSettings {
    /// For the emulator's command line; ``init(arguments:)`` reads them.
    package var arguments: [String] {
        var arguments = ["--seed", "\(seed)", "--mtu", "\(mtu)"]
        for (name, link) in [("--upload", upload), ("--download", download)] where link != LinkSettings() {
            arguments += [name, link.description]
        }
        if let dataBytes { arguments += ["--data-bytes", "\(dataBytes)"] }
        if damagesDataOnly { arguments.append("--damage-data-only") }
        return arguments
    }

    package init(arguments: some Sequence<String>) throws(SettingsError) {
        self.init()
        var rest = arguments.makeIterator()
        while let name = rest.next() {
            guard name != "--damage-data-only" else {
                damagesDataOnly = true
                continue
            }
            guard let value = rest.next() else { throw SettingsError("\(name) needs a value") }
            switch name {
            case "--both":
                try upload.update(value)
                try download.update(value)
            case "--upload": try upload.update(value)
            case "--download": try download.update(value)
            case "--seed": seed = try Self.whole(name, value, 0...UInt64.max)
            case "--mtu": mtu = Int(try Self.whole(name, value, Self.allowedMTU))
            case "--data-bytes": dataBytes = Int(try Self.whole(name, value, 0...65_535))
            default: throw SettingsError("\(name) is no option")
            }
        }
        if damagesDataOnly, dataBytes == nil { throw SettingsError("--damage-data-only needs --data-bytes") }
    }

    /// IPv4 promises 68 bytes to everybody (RFC 791); no IP packet is longer than 65,535.
    private static let allowedMTU: ClosedRange<UInt64> = 68...65_535

    private static func whole(
        _ name: String, _ text: String, _ range: ClosedRange<UInt64>
    ) throws(SettingsError) -> UInt64 {
        guard let value = UInt64(text), range.contains(value) else {
            throw SettingsError("\(name) \(text): not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
