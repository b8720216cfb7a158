import QrateMeasurement
import QratePathEmulation
import QrateTestSupport
import Testing

/// What a run's conditions were, against what the tests imposed.
@Suite("the course and the losses of a run", .fewAtATime) struct RunConditionTests {
    @Test(
        "over a path of known rate the plateau is the path's rate, and is reached within plausible time",
        .needsEmulatedPath, arguments: [[], ["-R"]])
    func plateau(direction: [String]) async throws {
        // The queue holds what a window of 400 KiB has too much: nothing is lost, so nothing stalls.
        let options = direction + ["-t", "3", "-w", "400K", "--json"]
        let settings = try PathSettings(arguments: ["--both", "delay=10ms,rate=50M", "--download", ""])
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let result = try await server.client(options).success()
                let totals = try #require(result.summary?.totals)
                let state = try #require(totals.steadyState)
                let counters = try await path.settledCounters()
                let link = try #require(direction.isEmpty ? counters.upload : counters.download).packets
                // Of what the emulator carried so much was payload; the rest was headers, frames, tags and what was sent
                // again. Its rate is that of IP packets.
                let share = Double(totals.bytesReceived + totals.drainedBytes) / Double(link.sentBytes)
                #expect((0.9..<1).contains(share))
                let expected = 50e6 * share
                let plateau = Double(state.plateauBps)
                #expect(abs(plateau / expected - 1) < 0.03, "\(plateau) of \(expected)")
                #expect(state.plateauDeviationBps < state.plateauBps / 2)
                // A window of ten packets grows to 125 kB in three to four round trips of 20 ms, and in congestion avoidance
                // in some tens of them.
                #expect((20..<1000).contains(state.timeTo90PercentMs), "\(state.timeTo90PercentMs) ms")
                #expect(state.sliceMs == 100)
                #expect(link.lost == 0)
                #expect(totals.losses?.receiveBuffer == 0 && totals.losses?.sender == 0)
            }
        }
    }

    @Test(
        "a receiver whose socket has no room drops, and the network is not blamed",
        arguments: [
            ["--max-datagram", "interface"], ["--max-datagram", "interface", "-R"],
            ["--max-datagram", "interface", "--datagrams"],
            ["--udp", "-b", "0", "-l", "1000", "-w", "4K"],
        ])
    func receiveBuffer(options: [String]) async throws {
        // Without receive offload one buffer of the kernel's is one datagram. QUIC's are so large here that there is room for
        // two, and more are under way at once.
        try await withServer(["--socket-buffer", "64K", "--no-gro"]) { server in
            let buffer = options.contains("--udp") ? [] : ["--socket-buffer", "64K"]
            let result = try await server.client(options + buffer + ["--no-gro", "-n", "20M", "--json"]).success()
            let totals = try #require(result.summary?.totals)
            let losses = try #require(totals.losses)
            let dropped = try #require(losses.receiveBuffer)
            #expect(dropped > 0, "20 MiB fitted through a small buffer")
            #expect(losses.receiveBufferAtLeast == nil)
            #expect(losses.sender == 0)
            // Nothing is lost on loopback. Without numbers nobody can know; with some of the dropped being no payload neither.
            #expect(losses.wire == nil || losses.wire == 0)
            if let datagrams = totals.datagrams { #expect(UInt64(datagrams.lost) <= dropped) }
            #expect(result.warnings?.contains { $0.code == "receive_buffer_drops" } == true)
        }
    }

    @Test("a test of a second on a long path is too short, and says so", .needsEmulatedPath)
    func shortTest() async throws {
        let settings = try PathSettings(arguments: ["--both", "delay=60ms,rate=50M", "--download", ""])
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let result = try await server.client(["-t", "1", "--json"]).success()
                let state = try #require(result.summary?.totals?.steadyState)
                #expect(state.timeTo90PercentMs > 200)
                #expect(result.warnings?.contains { $0.code == "short_test" } == true)
            }
        }
    }
}
