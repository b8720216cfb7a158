import QrateMeasurement
import QratePathEmulation
import QrateTestSupport
import Testing

/// Processes at the two ends of a path whose properties are known.
@Suite("over an emulated path", .fewAtATime, .needsEmulatedPath) struct EmulatedPathTests {
    private func settings(_ text: String, download: String = "") throws -> PathSettings {
        try PathSettings(arguments: ["--both", text, "--download", download])
    }

    @Test("a QUIC test finds the path's delay and doesn't exceed its rate", arguments: [[], ["-R"]])
    func quicFindsPath(direction: [String]) async throws {
        try await withPath(try settings("delay=20ms,rate=50M")) { path in
            try await withServer(over: path) { server in
                let client = try await server.client(direction + ["-t", "2", "-i", "500ms", "--json"])
                let result = try client.success()
                let totals = try #require(result.summary?.totals)
                let minRTT = try #require(result.path?.quic?.minRttUs)
                // A round trip takes twice 20 ms, and no more than the queue's 80 ms each way and its own time besides.
                #expect(40_000...1_000_000 ~= minRTT)
                #expect(totals.bytesReceived > 0)
                #expect(try #require(totals.throughputBps) <= 50_000_000)
                #expect(totals.bytesSent == totals.bytesReceived + totals.drainedBytes)

                let counters = try await path.settledCounters()
                let link = try #require(direction.isEmpty ? counters.upload : counters.download)
                #expect(link.packets.sentBytes > totals.bytesReceived)
                #expect(link.packets.lostAtRandom == 0 && link.packets.duplicated == 0 && link.packets.reordered == 0)
            }
        }
    }

    @Test(
        "a byte budget arrives whole over QUIC through loss, disorder and copies", arguments: [[], ["-R"]],
        ["loss=2%", "bursts=0.2%,burst-length=6", "reorder=3%,hold=3ms,duplicate=3%,jitter=1ms", "rate=20M,queue=20K"])
    func quicBudget(direction: [String], damage: String) async throws {
        var settings = try settings("delay=2ms," + damage)
        settings.seed = 11
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let client = try await server.client(direction + ["-n", "3000017", "-P", "2", "--json"])
                let totals = try #require(try client.success().summary?.totals)
                #expect(totals.bytesReceived == 3_000_017)
                #expect(totals.bytesSent == 3_000_017)
                #expect(totals.complete == true)
                #expect(try await server.events("test_finished").first?.bytesReceived == 3_000_017)

                // The path did what it was asked to do.
                let counters = try await path.counters()
                let link = try #require(direction.isEmpty ? counters.upload : counters.download).packets
                #expect(link.lost + link.reordered + link.duplicated > 0, "\(link)")
            }
        }
    }

    @Test(
        "QUIC's figures from inside are what the path did: delay, packets, losses, nothing sent again but them",
        arguments: [[], ["-R"]])
    func quicFromInside(direction: [String]) async throws {
        // One way alone loses, so that no ACK is missing.
        let (good, bad) = ("delay=20ms", "delay=20ms,loss=1%")
        var settings = try PathSettings(
            arguments: direction.isEmpty
                ? ["--upload", bad, "--download", good] : ["--upload", good, "--download", bad])
        settings.seed = 3
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                // Slower than the path, so that no queue lengthens a round trip.
                let client = try await server.client(direction + ["-n", "4000037", "-b", "40M", "--json"])
                let result = try client.success()
                let quic = try #require(result.path?.quic)
                let packets = try #require(quic.packets)
                let counters = try await path.settledCounters()
                let link = try #require(direction.isEmpty ? counters.upload : counters.download).packets
                let back = try #require(direction.isEmpty ? counters.download : counters.upload).packets

                #expect(40_000...41_000 ~= (try #require(quic.minRttUs)))
                let handshake = try #require(result.handshake), confirmed = try #require(handshake.confirmedMs)
                #expect(handshake.durationMs >= 40 && confirmed >= handshake.durationMs + 39)

                // The path saw the handshake, the agreement and the end besides.
                let others: ClosedRange<UInt64> = 0...60
                #expect(others ~= link.received - min(link.received, packets.sent), "\(link) \(packets)")
                #expect(others ~= back.sent - min(back.sent, packets.received), "\(back) \(packets)")
                #expect(packets.sent == quic.datagramsSent, "each datagram holds a packet once the handshake is over")

                // Only packets without stream data, and those that were lost twice in the same probe, may differ.
                let declared = try #require(quic.streamPacketsLost)
                try #require(link.lost > 10)
                #expect(declared <= link.lost + packets.spuriousLosses + 3, "\(link) \(quic)")
                #expect(declared + 3 + link.lost / 10 >= link.lost, "\(link) \(quic)")
                #expect(packets.streamBytesResent <= (declared + 2 * packets.probeTimeouts) * 1444)
                #expect(packets.streamBytesResent >= (link.lost - 3) * 1100)
                #expect(packets.ackFramesReceived <= packets.received)
                #expect(packets.acknowledged + link.lost <= packets.sent + 10)
                #expect(packets.ecnValidated == true && packets.keyUpdates == 0)
            }
        }
    }

    /// Datagrams of 1400 bytes, header included.
    private static let datagrams = ["--udp", "-l", "1400", "-b", "90M", "-n", "\(1400 * 10_000)", "--json"]

    @Test(
        "UDP reports the loss that there was, to the datagram, the last ones included",
        arguments: [[], ["-R"]])
    func udpLoss(direction: [String]) async throws {
        // Everything suffers, the control connection and the marker of the end too.
        var settings = try settings("delay=5ms,rate=100M,queue=20M,loss=1%")
        settings.seed = 5
        settings.dataBytes = 1400
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let client = try await server.client(Self.datagrams + direction)
                let totals = try #require(try client.success().summary?.totals)
                let datagrams = try #require(totals.datagrams)
                let counters = try await path.settledCounters()
                let link = try #require(direction.isEmpty ? counters.upload : counters.download)
                let data = try #require(link.data)
                #expect(link.droppedByDevice == 0 && data.overruns == 0)
                #expect(totals.bytesSent == data.received * 1400)
                // What the receiver's own socket buffer had no room for isn't the path's.
                let dropped = datagrams.receiveBufferDrops ?? 0
                #expect(UInt64(datagrams.lost) == data.lost + dropped)
                #expect(datagrams.received == data.sent - dropped)
                #expect(datagrams.duplicates == 0 && datagrams.reordered == 0)
                // 10,000 datagrams at 1 %: standard deviation 10.
                #expect(60...140 ~= data.lostAtRandom)
                #expect(data.received == 10_000)
            }
        }
    }

    @Test(
        "UDP tells losses, copies and overtaken datagrams apart, and counts each as the path does",
        arguments: [[], ["-R"]])
    func udpDisorder(direction: [String]) async throws {
        var settings = try settings(
            "delay=5ms,rate=100M,queue=20M,loss=1%,bursts=0.1%,reorder=2%,hold=3ms,duplicate=2%,jitter=2ms")
        settings.seed = 5
        settings.dataBytes = 1400
        settings.damagesDataOnly = true
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let client = try await server.client(Self.datagrams + direction)
                let datagrams = try #require(try client.success().summary?.totals?.datagrams)
                let counters = try await path.settledCounters()
                let link = try #require(direction.isEmpty ? counters.upload : counters.download)
                let data = try #require(link.data)
                #expect(link.droppedByDevice == 0 && data.overruns == 0 && data.received == 10_000)
                try #require(datagrams.receiveBufferDrops ?? 0 == 0, "the machine was too busy to tell")
                #expect(UInt64(datagrams.lost) == data.lost)
                #expect(datagrams.received == data.sent)
                #expect(datagrams.duplicates == data.duplicated)
                #expect(datagrams.reordered == data.reordered)
                #expect(data.lostInBursts > 0 && data.duplicated > 0 && data.reordered > 0)
            }
        }
    }

    @Test(
        "a byte budget arrives whole over TCP and TLS through loss and disorder",
        arguments: [MatrixRow.Transport.tcp, .tls], [[], ["-R"]])
    func streamBudget(transport: MatrixRow.Transport, direction: [String]) async throws {
        var settings = try settings("delay=2ms,rate=50M,loss=1%,reorder=1%,hold=3ms,duplicate=1%")
        settings.seed = 11
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let client = try await server.client(
                    [transport.flag] + direction + ["-n", "3000017", "-P", "2", "--json"])
                let totals = try #require(try client.success().summary?.totals)
                #expect(totals.bytesReceived == 3_000_017)
                #expect(totals.bytesSent == 3_000_017)
                #expect(totals.complete == true)
                let counters = try await path.counters()
                let link = try #require(direction.isEmpty ? counters.upload : counters.download).packets
                #expect(link.lost > 0 && link.reordered > 0 && link.duplicated > 0)
            }
        }
    }

    @Test("QUIC uses no datagrams that the path can't carry")
    func narrowPath() async throws {
        var settings = try settings("delay=1ms")
        settings.mtu = 1300
        try await withPath(settings) { path in
            try await withServer(over: path) { server in
                let result = try await server.client(["-n", "1000003", "--json"]).success()
                #expect(result.summary?.totals?.bytesReceived == 1_000_003)
                // 20 bytes of IPv4 header and 8 of UDP's.
                #expect(try #require(result.path?.quic?.maxUdpPayloadBytes) <= 1272)
            }
        }
    }

    @Test("over IPv6, too")
    func overIPv6() async throws {
        try await withPath(try settings("delay=1ms,loss=1%")) { path in
            guard let address = path.addressV6(of: .server) else { return }  // a kernel without IPv6
            try await withServer(over: path) { server in
                let result = try await server.client(["-n", "1000003", "--json"], host: address).success()
                #expect(result.summary?.totals?.bytesReceived == 1_000_003)
                #expect(result.server?.address?.contains(address) == true)
            }
        }
    }

    @Test("the way back is as it was asked to be")
    func directionsDiffer() async throws {
        try await withPath(try settings("delay=0ms", download: "loss=100%")) { path in
            try await withServer(over: path) { server in
                let client = try await server.client(["-n", "1000", "--connect-timeout", "1s"])
                client.expectFailure(69)
                let counters = try await path.settledCounters()
                let (upload, download) = (
                    try #require(counters.upload).packets, try #require(counters.download).packets
                )
                #expect(upload.lost == 0 && upload.sent == upload.received && upload.received > 0)
                #expect(download.lostAtRandom == download.received && download.sent == 0 && download.received > 0)
            }
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Such tests are skipped where this process may not make network namespaces.
    static var needsEmulatedPath: Self {
        .enabled("making network namespaces and TUN devices is not permitted here: run as root") {
            await EmulatedPath.isPermitted()
        }
    }
}
