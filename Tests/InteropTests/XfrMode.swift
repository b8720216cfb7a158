import Testing

/// One way to test, in both programs' words.
struct XfrMode: Sendable, CustomTestStringConvertible {
    var transport: String
    var direction: String
    var streams: Int
    var isBudget: Bool

    /// Not a multiple of any write or datagram size, so that every rounding shows. UDP sends it whole, too: what is
    /// left after its datagrams of 1400 bytes has room for a header.
    static let budget: UInt64 = 300_003

    static let all: [XfrMode] = ["tcp", "udp", "quic"].flatMap { transport in
        ["upload", "download", "bidir"].flatMap { direction in
            [1, 4].flatMap { streams in
                [true, false].map {
                    XfrMode(transport: transport, direction: direction, streams: streams, isBudget: $0)
                }
            }
        }
    }

    /// Without byte budgets, which came late.
    static let timed = all.filter { !$0.isBudget }

    var testDescription: String {
        "\(transport) \(direction), \(streams) \(streams == 1 ? "stream" : "streams"), \(isBudget ? "bytes" : "time")"
    }

    var hasUpload: Bool { direction != "download" }
    var hasDownload: Bool { direction != "upload" }

    /// For the peer's client. Rates are low: Python needs a core for what is nothing to qrate.
    var peerArguments: [String] {
        ["--protocol", transport, "--direction", direction, "--streams", "\(streams)"]
            + (isBudget ? ["--bytes", "\(Self.budget)"] : ["--time", "1"])
            + (transport == "quic" ? ["--pace", "10000000"] : ["--bitrate", "10000000"])
    }

    /// For qrate. A rate for a QUIC server's sending can't be told to xfr.
    var qrateArguments: [String] {
        var arguments = ["--\(transport)", "-P", "\(streams)"]
        if direction == "download" { arguments.append("-R") }
        if direction == "bidir" { arguments.append("--bidir") }
        arguments += isBudget ? ["-n", "\(Self.budget)"] : ["-t", "1"]
        if transport != "quic" || direction == "upload" { arguments += ["-b", "10M"] }
        return arguments
    }
}
