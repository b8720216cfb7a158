import QrateTestSupport
import Testing

@Suite("qrate against xfr's server", .fewAtATime) struct XfrServerTests {
    @Test("tests in every mode", arguments: XfrMode.all)
    func newest(mode: XfrMode) async throws { try await check(mode, []) }

    @Test("of version 0.9.9 as well: six capabilities, and a UDP port per stream", arguments: XfrMode.timed)
    func old(mode: XfrMode) async throws { try await check(mode, ["--version", "0.9.9"]) }

    private func check(_ mode: XfrMode, _ arguments: [String]) async throws {
        try await XfrPeer.withServer(["--pace", "10000000"] + arguments) { server in
            let client = try await server.qrate(mode.qrateArguments, overQUIC: mode.transport == "quic")
            try #require(client.status == 0, "\(client.errors)\(client.output)")
            let report = try client.report()
            let finished = try await server.event("finished")
            #expect(finished.deviations == [])
            #expect(finished.outcome == (mode.isBudget ? "budget" : "duration"))
            let there = (sent: try #require(finished.bytesSent), received: try #require(finished.bytesReceived))
            #expect((there.received > 0) == mode.hasUpload)
            #expect((there.sent > 0) == mode.hasDownload)

            #expect((report.summary.upload != nil) == mode.hasUpload)
            if let upload = report.summary.upload {
                // The server counts, and says what it counted.
                #expect(upload.bytesReceived == there.received)
                if let sent = upload.bytesSent { #expect(sent >= there.received) }
                if mode.isBudget { #expect(upload.bytesSent == XfrMode.budget) }
                if mode.isBudget, mode.transport != "udp" { #expect(there.received == XfrMode.budget) }
            }
            #expect((report.summary.download != nil) == mode.hasDownload)
            if let download = report.summary.download {
                let all = download.bytesReceived + download.drainedBytes + download.warmUpBytes
                if mode.isBudget, mode.transport != "udp" {
                    #expect(all == XfrMode.budget)
                    #expect(there.sent == XfrMode.budget)
                }
                if mode.transport != "tcp" { #expect(all <= there.sent) }
                #expect(all > 0)
            }
        }
    }

    // MARK: - What happens on the way

    @Test("an interrupted test is cancelled, and its partial result printed", arguments: ["tcp", "udp", "quic"])
    func interrupt(transport: String) async throws {
        try await XfrPeer.withServer(["--pace", "4000000"]) { server in
            let arguments =
                ["127.0.0.1", "-p", "\(server.port)", "--\(transport)", "-t", "30", "-b", "4M"]
                + (transport == "quic" ? ["--insecure"] : [])
            let state = try TemporaryDirectory()
            let status = try await withProgram(QrateProgram.path, arguments, ["XDG_STATE_HOME": state.path]) { client in
                // Where a busy host made rows longer or shorter, their bounds read otherwise.
                _ = try await client.output.wait(for: "two rows") { lines in
                    lines.count { $0.contains("bit/s  ") } >= 2 ? true : nil
                }
                client.send(2)  // SIGINT
                return try await client.end()
            }
            #expect(status == 130)
            let finished = try await server.event("finished")
            #expect(finished.deviations == [])
            #expect(finished.outcome?.hasPrefix("cancel: ") == true)
        }
    }

    // MARK: - Refusals

    @Test("a server of another version is refused", arguments: ["tcp", "quic"])
    func version(transport: String) async throws {
        try await XfrPeer.withServer(["--hello-version", "2.0"]) { server in
            let client = try await server.qrate(["--\(transport)"], overQUIC: transport == "quic")
            #expect(client.status == 76)
            #expect(client.errors.contains("2.0"))
        }
    }

    @Test("a server's refusal is told in its own words", arguments: ["tcp", "udp", "quic"])
    func refusal(transport: String) async throws {
        try await XfrPeer.withServer(["--refuse", "No tests on Sundays"]) { server in
            let client = try await server.qrate(["--\(transport)"], overQUIC: transport == "quic")
            #expect(client.status != 0)
            #expect(client.errors.contains("No tests on Sundays"))
        }
    }

    @Test("a server that wants a key that nobody has: status 77", arguments: ["tcp", "quic"])
    func challenge(transport: String) async throws {
        try await XfrPeer.withServer(["--challenge"]) { server in
            let client = try await server.qrate(["--\(transport)"], overQUIC: transport == "quic")
            #expect(client.status == 77)
        }
    }

    @Test("a byte budget is refused towards a server that can't keep it", arguments: ["tcp", "udp", "quic"])
    func oldBudget(transport: String) async throws {
        try await XfrPeer.withServer(["--version", "0.9.9"]) { server in
            let client = try await server.qrate(["--\(transport)", "-n", "100000"], overQUIC: transport == "quic")
            #expect(client.status == 64 || client.status == 76, "\(client.errors)")
            #expect(client.errors.contains("-n"))
        }
    }

    @Test("a server with another protocol over QUIC is refused")
    func applicationProtocol() async throws {
        try await XfrPeer.withServer(["--alpn", "other"]) { server in
            let client = try await server.qrate([], overQUIC: true)
            #expect(client.status == 76)
            #expect(client.errors.contains("ALPN"))
        }
    }

    @Test(
        "what xfr's protocol can't carry is refused before anything is sent",
        arguments: [["--quic", "-R", "-b", "10M"], ["--udp", "-l", "1000"], ["--quic", "-P", "101"]])
    func inexpressible(arguments: [String]) async throws {
        try await XfrPeer.withServer { server in
            let client = try await server.qrate(arguments + ["-t", "1"], overQUIC: arguments.contains("--quic"))
            #expect(client.status != 0)
            #expect(client.errors.contains("xfr"), "\(client.errors)")
            let refused = try await server.event("refused")
            #expect(refused.messages?.contains { $0.line.contains("test_start") } == false)
        }
    }
}
