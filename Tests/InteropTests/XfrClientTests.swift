import QrateTestSupport
import Testing

@Suite("xfr's client against qrate serve", .fewAtATime) struct XfrClientTests {
    @Test("tests in every mode", arguments: XfrMode.all)
    func newest(mode: XfrMode) async throws { try await check(mode, []) }

    @Test("of version 0.9.9 as well: six capabilities, and a UDP port per stream", arguments: XfrMode.timed)
    func old(mode: XfrMode) async throws { try await check(mode, ["--version", "0.9.9"]) }

    @Test(
        "without single ports: a TCP or UDP port per stream", arguments: XfrMode.all.filter { $0.transport != "quic" })
    func portPerStream(mode: XfrMode) async throws {
        try await check(mode, ["--without", "single_port_tcp", "--without", "single_port_udp_v1"])
    }

    private func check(_ mode: XfrMode, _ arguments: [String]) async throws {
        try await withServer { server in
            let client = try await XfrPeer.client(port: server.port, mode.peerArguments + arguments)
            try #require(client.outcome == "done", "\(client.error ?? "") \(client.deviations)")
            #expect(client.deviations == [])
            let result = try #require(client.result)
            let sent = try #require(client.bytesSent)
            let received = try #require(client.bytesReceived)
            #expect((sent > 0) == mode.hasUpload)
            #expect((received > 0) == mode.hasDownload)
            #expect(result.bytesTotal > 0)
            try await server.events("test_finished")
            if mode.transport == "udp", mode.isBudget {
                // Loopback may drop; what came and what is missing are all there were.
                if mode.hasUpload { #expect(sent == XfrMode.budget) }
                if let statistics = result.udpStats { #expect(statistics.packetsSent <= 215) }
            }
        }
    }

    // MARK: - What happens on the way

    @Test("pauses and resumes; the pause is in no figure", arguments: ["tcp", "udp", "quic"])
    func pause(transport: String) async throws {
        try await withServer { server in
            let rate = transport == "quic" ? "--pace" : "--bitrate"
            let client = try await XfrPeer.client(
                port: server.port,
                ["--protocol", transport, "--time", "2", "--pause-after", "0.5", "--pause-for", "2", rate, "4000000"])
            try #require(client.outcome == "done", "\(client.error ?? "") \(client.deviations)")
            #expect(client.deviations == [])
            let result = try #require(client.result)
            // The test took four seconds, and half of them don't count.
            #expect((2000..<3900).contains(result.durationMs))
        }
    }

    @Test(
        "cancels: hears cancelled, then the result", arguments: ["tcp", "udp", "quic"], ["upload", "download", "bidir"])
    func cancel(transport: String, direction: String) async throws {
        try await withServer { server in
            let client = try await XfrPeer.client(
                port: server.port,
                ["--protocol", transport, "--direction", direction, "--time", "0", "--cancel-after", "0.7"]
                    + (transport == "quic" ? ["--pace", "4000000"] : ["--bitrate", "4000000"]))
            #expect(client.outcome == "cancelled", "\(client.error ?? "")")
            #expect(client.deviations == [])
            try await server.events("test_finished")
        }
    }

    @Test("hears of loss while a UDP upload runs", arguments: [[], ["--without", "single_port_udp_v1"]])
    func feedback(arguments: [String]) async throws {
        try await withServer { server in
            let client = try await XfrPeer.client(
                port: server.port,
                ["--protocol", "udp", "--time", "3", "--streams", "2", "--bitrate", "4000000"] + arguments)
            #expect(client.outcome == "done", "\(client.error ?? "")")
            #expect(client.deviations == [])
            let feedback = try #require(client.feedback)
            #expect(feedback.count == 2)
            for readings in feedback { #expect(!readings.isEmpty) }
        }
    }

    @Test("probes the path MTU of both directions")
    func probe() async throws {
        try await withServer { server in
            let client = try await XfrPeer.client(port: server.port, ["--protocol", "udp", "--mtu-probe"])
            #expect(client.outcome == "cancelled", "\(client.error ?? "")")
            #expect(client.deviations == [])
            // The largest size that xfr looks at, which loopback carries, less IPv4's and UDP's headers.
            #expect(client.mtuProbe?.forwardMaxPayload == 9216 - 28)
            #expect(client.mtuProbe?.reverseMaxPayload == 9216 - 28)
        }
    }

    @Test("goes away in the middle; the server serves the next one", arguments: ["tcp", "udp", "quic"])
    func vanish(transport: String) async throws {
        try await withServer { server in
            let rate = transport == "quic" ? "--pace" : "--bitrate"
            let client = try await XfrPeer.client(
                port: server.port,
                ["--protocol", transport, "--time", "30", "--close-after", "0.5", rate, "4000000"])
            #expect(client.outcome == "closed")
            try await server.events("test_finished")
            let next = try await XfrPeer.client(port: server.port, ["--protocol", transport, "--bytes", "100000"])
            #expect(next.outcome == "done", "\(next.error ?? "")")
        }
    }

    // MARK: - Refusals

    @Test(
        "is refused in xfr's words",
        arguments: [
            (["--streams", "0"], "Invalid stream count 0 (must be 1-128)"),
            (["--streams", "129"], "Invalid stream count 129 (must be 1-128)"),
            (["--protocol", "quic", "--streams", "0"], "Invalid stream count 0 (must be 1-128)"),
            (["--congestion", "nosuch"], "Unsupported congestion control algorithm 'nosuch'"),
            (["--hello-version", "2.0"], "Incompatible protocol version: 2.0 (server: 1.1)"),
            (["--hello-version", "1.x"], "Incompatible protocol version: 1.x (server: 1.1)"),
            (
                ["--protocol", "quic", "--hello-version", "2.0"], "Incompatible protocol version: 2.0 (server: 1.1)"
            ),
            (["--protocol", "quic", "--claim-protocol", "tcp"], "Expected QUIC protocol for QUIC connection"),
        ])
    func refusal(arguments: [String], text: String) async throws {
        try await withServer { server in
            let client = try await XfrPeer.client(port: server.port, arguments)
            #expect(client.outcome == "refused")
            #expect(client.error?.hasPrefix(text) == true, "\(client.error ?? "nothing")")
            #expect(client.deviations == [])
        }
    }

    @Test("has no QUIC test over a TCP control connection")
    func transportOfControl() async throws {
        try await withServer { server in
            let client = try await XfrPeer.client(port: server.port, ["--claim-protocol", "quic"])
            #expect(["refused", "closed"].contains(client.outcome))
        }
    }
}
