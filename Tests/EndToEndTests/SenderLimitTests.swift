import QrateMeasurement
import QratePathEmulation
import QrateTestSupport
import Testing

/// What a run says of its limit, where the test made that limit.
@Suite("what limited the sender", .fewAtATime) struct SenderLimitTests {
    /// Keys of JSON come without their underscores from this decoder.
    private func limits(_ result: TestResult) throws -> TestResult.Limits {
        let limits = try #require(result.path?.limits)
        for part in [limits] + (result.intervals ?? []).compactMap(\.path?.limits) {
            #expect(abs(part.shares.values.reduce(0, +) - 1) < 1e-9, "\(part)")
        }
        return limits
    }

    /// Over 50 Mbit/s and 40 ms there and back, whose product is 250 KB.
    private func overPath(
        _ arguments: [String], damage: String = "", _ body: (TestResult.Limits) throws -> Void
    ) async throws {
        var settings = try PathSettings(arguments: ["--both", "delay=20ms,rate=50M" + damage])
        settings.seed = 7
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let outcome = try await server.client(arguments + ["-t", "2", "-i", "500ms", "--json"])
                try #require(outcome.status == 0, "\(outcome.errors)")
                try await expectValid(outcome.output)
                try body(try limits(try outcome.result()))
            }
        }
    }

    @Test(
        "a window of half the path's product is the receiver's flow control, and a larger one is named",
        .needsEmulatedPath, arguments: [[], ["-R"], ["--tcp", "-C", "cubic"], ["--tls", "-R", "-C", "cubic"]])
    func flowControl(mode: [String]) async throws {
        try await overPath(mode + ["-w", mode.contains("cubic") ? "100K" : "125K"]) { limits in
            #expect(try #require(limits.shares["flowControl"]) > 0.8, "\(limits)")
            #expect(limits.limitedBy == "flow_control")
            let setting = try #require(limits.setting)
            #expect(setting.name == "-w")
            #expect(["256K", "512K"].contains(setting.value))
            #expect(limits.sentence?.hasSuffix("-w \(setting.value) would help") == true)
        }
    }

    @Test(
        "with 1 % of loss it is the congestion window", .needsEmulatedPath,
        arguments: [[], ["-R", "--connections", "2", "-P", "2"], ["--tcp", "-C", "cubic"]])
    func congestion(mode: [String]) async throws {
        try await overPath(mode, damage: ",loss=1%") { limits in
            let shares = limits.shares
            #expect(try #require(shares["congestionWindow"]) + (shares["pacing"] ?? 0) > 0.8, "\(limits)")
            #expect(limits.limitedBy == "congestion")
            #expect(limits.setting == nil)
        }
    }

    @Test(
        "below the path's rate it is -b", .needsEmulatedPath,
        arguments: [[], ["-R", "--datagrams"], ["--tls"], ["--udp", "-R"]])
    func targetBitrate(mode: [String]) async throws {
        try await overPath(mode + ["-b", "5M"]) { limits in
            #expect(try #require(limits.shares["targetBitrate"]) > 0.8, "\(limits)")
            #expect(limits.limitedBy == "target_bitrate")
        }
    }

    @Test("on unrestricted loopback it is a processor", arguments: [[], ["-R"], ["--tcp"], ["--udp", "-b", "0"]])
    func cpu(mode: [String]) async throws {
        try await withServer { server in
            let outcome = try await server.client(mode + ["-t", "1", "--json"])
            try #require(outcome.status == 0, "\(outcome.errors)")
            let limits = try limits(try outcome.result())
            #expect(limits.limitedBy == "host_cpu", "\(limits)")
        }
    }
}
