import QrateMeasurement
import QratePathEmulation
import QrateTestSupport
import Testing

/// What a run says of its limit, where the test made that limit.
@Suite("what limited the sender", .fewAtATime) struct SenderLimitTests {
    private struct Measured {
        var total: TestResult.Limits
        /// Shares of the rows between the first and the last: without slow start, and without the end.
        var shares: [String: Double]
    }

    private func measured(_ result: TestResult) throws -> Measured {
        let total = try #require(result.path?.limits)
        let rows = (result.intervals ?? []).compactMap(\.path?.limits)
        for part in [total] + rows { #expect(abs(part.shares.values.reduce(0, +) - 1) < 1e-9, "\(part)") }
        // Each row has what came since the one before.
        #expect(rows.reduce(0) { $0 + $1.coveredMs } <= total.coveredMs + 1)
        let middle = rows.dropFirst().dropLast()
        let covered = middle.reduce(0) { $0 + $1.coveredMs }
        let shares = middle.reduce(into: [String: Double]()) { shares, row in
            for (name, share) in row.shares { shares[name, default: 0] += share * row.coveredMs / covered }
        }
        return Measured(total: total, shares: shares)
    }

    /// Over 50 Mbit/s and 40 ms there and back, whose product is 250 KB.
    private func overPath(_ arguments: [String], damage: String = "") async throws -> Measured {
        var settings = try PathSettings(arguments: ["--both", "delay=20ms,rate=50M" + damage])
        settings.seed = 7
        return try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let outcome = try await server.client(arguments + ["-t", "2", "-i", "400ms", "--json"])
                try #require(outcome.status == 0, "\(outcome.errors)")
                try await expectValid(outcome.output)
                return try measured(try outcome.result())
            }
        }
    }

    // Reno leaves slow start at a loss only: others also do where a busy machine makes round trips vary, and then it is the
    // congestion window indeed. Half the product, less what TCP's kernel adds to what it is asked for.
    @Test(
        "a window of half the path's product is the receiver's flow control, and a larger one is named",
        .needsEmulatedPath,
        arguments: [["-w", "125K"], ["-w", "125K", "-R"], ["-w", "100K", "--tcp"]])
    func flowControl(mode: [String]) async throws {
        let measured = try await overPath(mode + ["-C", "reno"])
        #expect(try #require(measured.shares["flow_control"]) > 0.8, "\(measured)")
        #expect(measured.total.limitedBy == "flow_control")
        let setting = try #require(measured.total.setting)
        #expect(setting.name == "-w")
        #expect(["256K", "512K"].contains(setting.value))
        #expect(measured.total.sentence?.hasSuffix("-w \(setting.value) would help") == true)
    }

    @Test(
        "with 1 % of loss it is the congestion window", .needsEmulatedPath,
        arguments: [[], ["-R", "--connections", "2", "-P", "2"], ["--tcp", "-C", "cubic"]])
    func congestion(mode: [String]) async throws {
        let measured = try await overPath(mode, damage: ",loss=1%")
        let window = try #require(measured.shares["congestion_window"])
        #expect(window + (measured.shares["pacing"] ?? 0) > 0.8, "\(measured)")
        #expect(measured.total.limitedBy == "congestion")
        #expect(measured.total.setting == nil)
    }

    @Test(
        "below the path's rate it is -b", .needsEmulatedPath,
        arguments: [["-R", "--datagrams"], ["--tls"], ["--udp"]])
    func targetBitrate(mode: [String]) async throws {
        let measured = try await overPath(mode + ["-b", "5M"])
        #expect(try #require(measured.shares["target_bitrate"]) > 0.8, "\(measured)")
        #expect(measured.total.limitedBy == "target_bitrate")
    }

    @Test("on unrestricted loopback it is the host's CPU", arguments: [[], ["-R"], ["--tcp"], ["--udp", "-b", "0"]])
    func cpu(mode: [String]) async throws {
        try await withServer { server in
            let outcome = try await server.client(mode + ["-t", "1", "--json"])
            try #require(outcome.status == 0, "\(outcome.errors)")
            let measured = try measured(try outcome.result())
            #expect(measured.total.limitedBy == "host_cpu", "\(measured)")
            #expect(try #require(measured.total.shares["cpu"]) > 0.05, "\(measured)")
        }
    }
}
