import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

/// What a server says to clients that break the rules, and that it lets go of them.
@Suite("hostile and broken clients", .timeLimit(.minutes(1))) struct HostileClientTests {
    @Test(
        "a line that is no message is answered by an error, wherever it comes",
        arguments: ["garbage", "", "{\"type\":\"teleport\"}", "[1]", String(repeating: "x", count: 70_000)], [0, 1, 2])
    func garbage(line: String, linesBefore: Int) async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            if linesBefore >= 1 { try await peer.say(.hello(.qrateClient)) }
            if linesBefore >= 2 {
                try await peer.say(.testStart(TestStart(id: "t", .seconds(10, .upload))))
                _ = try await peer.hear(\.asTestAck)
            }
            try await peer.say(line: line)
            let error = try await peer.hear(\.asError)
            #expect(error.qrate?.code == "protocol")
            await peer.session.close(.done)
        }
    }

    @Test("a client that never reads the error is closed after a moment")
    func unreadError() async throws {
        try await withServer { served in
            let peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(line: "garbage")
            await served.clock.pass(Tunables.linger)
            await served.log.wait { if case .refused = $0 { true } else { false } }
        }
    }

    @Test("a client that says nothing is told so after 5 seconds")
    func silentFromTheStart() async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            await served.clock.pass(.seconds(5))
            #expect(try await peer.hear(\.asError).message == "No hello came within 5.0 seconds.")
            await peer.session.close(.done)
        }
    }

    @Test("a client that asks for no test is told so after 30 seconds")
    func silentAfterHello() async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(.hello(.qrateClient))
            await served.clock.pass(.seconds(30))
            #expect(try await peer.hear(\.asError).message == "No test was asked for within 30.0 seconds.")
            await peer.session.close(.done)
        }
    }

    @Test(
        "a client that sends no payload is let go after 30 seconds and an interval",
        arguments: [Direction.upload, .download])
    func silentInTest(direction: Direction) async throws {
        var settings = InMemoryNetwork.Settings()
        settings.bytesPerTick = 0
        try await withServer(InMemoryNetwork(settings)) { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(.hello(.qrateClient))
            try await peer.say(.testStart(TestStart(id: "t", .seconds(100, direction))))
            _ = try await peer.hear(\.asTestAck)
            await served.clock.pass(.seconds(31))
            #expect(try await peer.hear(\.asError).message == "Nothing was heard from the client for 31.0 seconds.")
            let result = try await peer.hear(\.asResult)
            #expect(result.qrate?.endedEarly == "failed")
            await peer.session.close(.done)
        }
    }

    @Test("messages out of place in the handshake are refused")
    func outOfPlace() async throws {
        try await withServer { served in
            var first = try await ScriptedPeer.client(of: served.network)
            try await first.say(.finish(TestReference(id: "t")))
            #expect(try await first.hear(\.asError).message == "Expected hello message")
            await first.session.close(.done)

            var second = try await ScriptedPeer.client(of: served.network)
            try await second.say(.hello(.qrateClient))
            try await second.say(.hello(.qrateClient))
            #expect(try await second.hear(\.asError).message == "Expected test_start message")
            await second.session.close(.done)
        }
    }

    @Test("an incompatible version is refused in xfr's words")
    func version() async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(.hello(Hello(version: "2.0", client: "future/1")))
            #expect(try await peer.hear(\.asError).message == "Incompatible protocol version: 2.0 (server: 1.1)")
            await peer.session.close(.done)
        }
    }

    @Test("messages for another test, and those of servers, are ignored while a test runs")
    func ignored() async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(.hello(.qrateClient))
            try await peer.say(.testStart(TestStart(id: "t", .seconds(100, .upload))))
            _ = try await peer.hear(\.asTestAck)
            try await peer.say(.cancel(CancelMessage(id: "another", reason: "")))
            try await peer.say(.testAck(TestAck(id: "t", dataPorts: [])))
            try await peer.say(.pause(TestReference(id: "t")))
            try await peer.say(.cancel(CancelMessage(id: "t", reason: "")))
            #expect(try await peer.hear()?.asCancelled?.id == "t")
            #expect(try await peer.hear(\.asResult).qrate?.endedEarly == "interrupted")
            await peer.session.close(.done)
        }
    }

    @Test("a thousand reports without a pause are answered by fewer intervals, and nothing piles up")
    func floodOfReports() async throws {
        try await withServer { served in
            var peer = try await ScriptedPeer.client(of: served.network)
            try await peer.say(.hello(.qrateClient))
            try await peer.say(.testStart(TestStart(id: "t", .seconds(100, .download))))
            _ = try await peer.hear(\.asTestAck)
            let report = ReportMessage(id: "t", elapsedMilliseconds: 1, bytesReceived: 1, isFinal: false)
            for _ in 0..<1000 { try await peer.say(.report(report)) }
            try await peer.say(.cancel(CancelMessage(id: "t", reason: "")))
            _ = try await peer.hear(\.asResult)
            await peer.session.close(.done)
        }
    }
}
