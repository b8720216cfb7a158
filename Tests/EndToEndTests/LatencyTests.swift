import QratePathEmulation
import QrateTestSupport
import Testing

/// Figures against a path whose delay and queue are known: 40 ms of round trip, and 100 ms of queue each way.
@Suite("latency under load", .fewAtATime, .needsEmulatedPath) struct LatencyTests {
    private static let queued = "delay=20ms,rate=10M,queue=125K"

    private func settings(_ text: String = queued) throws -> PathSettings {
        try PathSettings(arguments: ["--both", text])
    }

    @Test(
        "idle it is the path's, loaded the queue's in addition, and in the loaded direction alone",
        arguments: [["--quic"], ["--quic", "-R"], ["--tcp"], ["--tls", "-R"], ["--udp", "-b", "12M"]])
    func underLoad(arguments: [String]) async throws {
        try await withPath(try settings()) { path in
            try await withServer(over: path) { server in
                let client = try await server.client(arguments + ["-t", "1500ms", "--latency", "--json"])
                let result = try client.success()
                try await expectValid(client.output)
                let latency = try #require(result.latency)
                #expect((latency.inside == nil) == arguments.contains("--udp"))
                // The emulator and two processes share the machine with other tests. What they add to a round trip isn't
                // known, so that only the fastest one bounds it.
                for series in [latency.inside, latency.beside].compactMap({ $0 }) {
                    #expect(series.idle.sent == 20 && series.idle.lost == 0)
                    #expect(40_000...60_000 ~= (try #require(series.idle.roundTripUs?.min)))
                    #expect(50...80 ~= series.loaded.sent)
                    #expect(try #require(series.loaded.roundTripUs?.p95) >= 80_000)
                    #expect(series.increaseUs?.p95 != nil && series.bufferDelayPercent != nil)
                    #expect(30...1500 ~= (try #require(series.responsivenessVariantRpm)))
                    let (upload, download) = (series.loaded.uploadVariationUs, series.loaded.downloadVariationUs)
                    let (loaded, other) = arguments.contains("-R") ? (download, upload) : (upload, download)
                    #expect(try #require(loaded?.p95) >= 40_000)
                    #expect(try #require(loaded?.p50) > (try #require(other?.p50)))
                }
            }
        }
    }

    @Test("probes are the only UDP datagrams of a TCP test, and there are none that weren't asked for")
    func datagrams() async throws {
        var settings = try settings("delay=1ms")
        settings.dataBytes = 1
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let plain = try await server.client(["--tcp", "-n", "100000", "--json"]).success()
                #expect(plain.latency == nil)
                var counters = try await path.settledCounters()
                #expect(counters.upload?.data?.received == 0 && counters.download?.data?.received == 0)
                let measured = try await server.client(["--tcp", "-n", "100000", "--latency", "--json"]).success()
                let beside = try #require(measured.latency?.beside)
                counters = try await path.settledCounters()
                #expect(counters.upload?.data?.received == beside.idle.sent + beside.loaded.sent)
                #expect(counters.download?.data?.received == beside.idle.answered + beside.loaded.answered)
                #expect(beside.idle.answered == 20)
            }
        }
    }

    @Test("lost probes are counted, and in no figure")
    func loss() async throws {
        try await withPath(try settings("delay=5ms,loss=20%")) { path in
            try await withServer(over: path) { server in
                let result = try await server.client(["-n", "10000", "--latency", "--json"]).success()
                let latency = try #require(result.latency)
                let idle = [latency.inside?.idle, latency.beside?.idle].compactMap(\.self)
                // 40 of them, of which 36 % have lost the way there or back.
                #expect(idle.map(\.sent) == [20, 20])
                #expect(idle.reduce(0) { $0 + $1.lost } > 0)
                for probes in idle { #expect(probes.answered + probes.lost == probes.sent) }
            }
        }
    }

    @Test("on data connections of their own, probes go with the payload")
    func dataConnections() async throws {
        try await withPath(try settings()) { path in
            try await withServer(over: path) { server in
                let result = try await server.client(
                    ["--connections", "2", "-P", "2", "-t", "1", "--bidir", "--latency", "--json"]
                ).success()
                let inside = try #require(result.latency?.inside)
                #expect(try #require(inside.idle.roundTripUs?.min) >= 40_000)
                #expect(inside.loaded.sent >= 30)
                #expect(try #require(inside.loaded.roundTripUs?.p50) > 50_000)
            }
        }
    }
}
