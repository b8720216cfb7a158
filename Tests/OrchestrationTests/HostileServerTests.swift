import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// What a client makes of servers that break the rules.
@Suite("hostile and broken servers", .timeLimit(.minutes(1))) struct HostileServerTests {
    @Test(
        "a line that is no message fails the test as a protocol error, wherever it comes",
        arguments: ["garbage", "", "{\"type\":\"teleport\"}", String(repeating: "x", count: 70_000)], [0, 1, 2])
    func garbage(line: String, linesBefore: Int) async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.seconds(10, .upload), network)
        var server = try await ScriptedPeer.server(of: network)
        if linesBefore >= 1 { try await server.say(.hello(.qrateServer)) }
        if linesBefore >= 2 {
            let start = try await server.hear(\.asTestStart)
            try await server.say(.testAck(TestAck(id: start.id, dataPorts: [])))
            await client.started()
        }
        try await server.say(line: line)
        let report = await client.report
        #expect(report.failure?.kind == .protocolError)
        #expect(report.failure?.kind.exitStatus == 76)
        #expect(network.closeReasons(by: .client) == [.protocolError])
    }

    @Test("an error's text reaches the user without its control characters, before and in a test")
    func errorText() async throws {
        let error = ControlMessage.error(ErrorMessage(message: "no\u{1b}[31m way\n"))
        for isRunning in [false, true] {
            let network = InMemoryNetwork()
            let client = RunningClient(.seconds(10, .upload), network)
            var server = try await ScriptedPeer.server(of: network)
            try await server.say(.hello(.qrateServer))
            let start = try await server.hear(\.asTestStart)
            if isRunning {
                try await server.say(.testAck(TestAck(id: start.id, dataPorts: [])))
                await client.started()
            }
            try await server.say(error)
            await server.session.close(.done)
            let report = await client.report
            #expect(report.failure == TestFailure(isRunning ? .failed : .refused, "no[31m way"))
        }
    }

    @Test("a server that challenges for a pre-shared key ends the test with status 77")
    func challenge() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.seconds(10, .upload), network)
        let server = try await ScriptedPeer.server(of: network)
        var hello = Hello.qrateServer
        hello.auth = Hello.Challenge(method: "psk", nonce: String(repeating: "0", count: 64))
        try await server.say(.hello(hello))
        #expect(await client.report.failure?.kind.exitStatus == 77)
    }

    @Test("a server that sends no result after the end is waited for 15 seconds")
    func noResult() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.bytes(1000, .upload), network)
        var server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(.qrateServer))
        let start = try await server.hear(\.asTestStart)
        try await server.say(.testAck(TestAck(id: start.id, dataPorts: [])))
        _ = try await server.hear(\.asFinish)
        await network.clock.pass(.seconds(15))
        let report = await client.report
        #expect(report.failure?.message.hasPrefix("The server did not send its result within 15.0 seconds") == true)
        #expect(report.upload?.bytesSent == 1000)
        #expect(report.upload?.bytesReceived == 0)
        #expect(report.upload?.throughput == nil)
    }

    @Test("counts at a complete end that don't match are pointed out")
    func countMismatch() async throws {
        let network = InMemoryNetwork()
        let client = RunningClient(.bytes(1000, .upload), network)
        var server = try await ScriptedPeer.server(of: network)
        try await server.say(.hello(.qrateServer))
        let start = try await server.hear(\.asTestStart)
        try await server.say(.testAck(TestAck(id: start.id, dataPorts: [])))
        _ = try await server.hear(\.asFinish)
        let totals = WireTotals(
            bytesReceived: 900, warmUpBytes: 0, drainedBytes: 0, durationMilliseconds: 10, streams: [900],
            isComplete: true)
        try await server.say(
            .result(
                ResultMessage(
                    id: start.id, bytesTotal: 900, durationMilliseconds: 10, throughputMbps: 1, streams: [],
                    qrate: ResultMessage.Extension(upload: totals))))
        #expect(await client.report.warnings == [.countMismatch(.upload, sent: 1000, received: 900)])
    }
}
