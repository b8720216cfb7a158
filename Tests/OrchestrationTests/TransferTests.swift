import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

@Suite("a client and a server in memory", .timeLimit(.minutes(1))) struct TransferTests {
    @Test("a byte budget arrives whole, shared by the streams", arguments: [Direction.upload, .download], [1, 3])
    func budgetArrivesWhole(direction: Direction, streams: Int) async throws {
        try await withServer { served in
            let report = await served.client(.bytes(1_000_000, direction, streams: streams)).report

            #expect(report.failure == nil)
            #expect(report.warnings == [])
            let summary = try #require(report.summary(direction))
            #expect(summary.bytesReceived == 1_000_000)
            #expect(summary.bytesSent == 1_000_000)
            #expect(summary.isComplete == true)
            #expect(summary.streams.count == streams)
            #expect(summary.streams.reduce(.zero, +) == 1_000_000)
            #expect(report.intervals.count == 1)
            #expect(report.summary(direction == .upload ? .download : .upload) == nil)
        }
    }

    @Test("a report names both ends, and what each of them used")
    func endsAreNamed() async throws {
        try await withServer { served in
            let report = await served.client(.bytes(1000, .upload)).report

            #expect(report.client.software == "qrate/0.1.0")
            #expect(report.client.settings.congestionController == "client-memory")
            #expect(report.server?.software == "qrate/0.1.0")
            #expect(report.server?.host == "server.example")
            #expect(report.server?.address == "192.0.2.7:5201")
            #expect(report.server?.settings.congestionController == "server-memory")
            #expect(report.handshake?.duration == .milliseconds(20))
        }
    }

    @Test("a timed test gives a row per interval, with the sender's path", arguments: [Direction.upload, .download])
    func timedTest(direction: Direction) async throws {
        try await withServer { served in
            let client = served.client(.seconds(3, direction, streams: 2))
            for second in 1...3 {
                await served.clock.pass(.seconds(1))
                await client.row(endingAt: .seconds(second))
            }
            let report = await client.report

            #expect(report.failure == nil)
            #expect(report.intervals.map(\.start) == [.zero, .seconds(1), .seconds(2)])
            #expect(report.intervals.map { $0.received(direction) } == [2000, 2000, 2000])
            #expect(report.intervals.map(\.streams) == [[1000, 1000], [1000, 1000], [1000, 1000]])
            let sender: Role = direction == .upload ? .client : .server
            #expect(report.intervals.map { $0.path?.observedBy } == [sender, sender, sender])
            #expect(report.intervals.map { $0.path?.start } == [.zero, .seconds(1), .seconds(2)])
            #expect(report.path(direction)?.observedBy == sender)
            #expect(report.path(direction)?.end == .seconds(3))
            let summary = try #require(report.summary(direction))
            #expect(summary.bytesReceived == 6000)
            #expect(summary.duration == .seconds(3))
        }
    }

    @Test("the warm-up is shown, comes in addition, and counts nowhere", arguments: [Direction.upload, .download])
    func warmUp(direction: Direction) async throws {
        try await withServer { served in
            let client = served.client(.seconds(2, direction, warmUp: .seconds(1)))
            for second in 1...3 {
                await served.clock.pass(.seconds(1))
                await client.row(endingAt: .seconds(second))
            }
            let report = await client.report

            #expect(report.intervals.map(\.isWarmUp) == [true, false, false])
            let summary = try #require(report.summary(direction))
            #expect(summary.bytesReceived == 2000)
            #expect(summary.warmUpBytes == 1000)
            #expect(summary.bytesSent == 3000)
            #expect(summary.duration == .seconds(2))
            #expect(report.warnings == [])
        }
    }

    @Test("of a duration and a byte budget, the first to be reached ends the test")
    func whicheverFirst() async throws {
        try await withServer { served in
            var parameters = TestParameters.seconds(10, .upload)
            parameters.limit = .whicheverFirst(.seconds(10), 1500)
            let client = served.client(parameters)
            await served.clock.pass(.seconds(1))
            await client.row(endingAt: .seconds(1))
            await served.clock.pass(.seconds(1))
            let report = await client.report

            #expect(report.upload?.bytesReceived == 1500)
            #expect(report.failure == nil)
        }
    }

    @Test("two clients are served at once, each with its own counts")
    func twoClients() async throws {
        try await withServer { served in
            let long = served.client(.seconds(2, .upload))
            await long.started()
            let short = await served.client(.bytes(77_777, .download)).report
            #expect(short.download?.bytesReceived == 77_777)

            await served.clock.pass(.seconds(1))
            await long.row(endingAt: .seconds(1))
            await served.clock.pass(.seconds(1))
            let report = await long.report
            #expect(report.upload?.bytesReceived == 2000)
            #expect(report.id != short.id)
        }
    }

    @Test("the server logs what it counted, and whom it served")
    func serverLog() async throws {
        try await withServer { served in
            let report = await served.client(.bytes(5000, .download)).report

            let entry = try #require(served.served.first)
            #expect(entry.test.id == report.id)
            #expect(entry.test.software == "qrate/0.1.0")
            #expect(entry.counts.bytesSent == 5000)
            #expect(entry.counts.download?.bytesReceived == 5000)
            #expect(entry.counts.failure == nil)
        }
    }

    @Test("a test on one machine says that it measured the machine")
    func loopback() async throws {
        var settings = InMemoryNetwork.Settings()
        settings.serverAddress = "[::1]:5201"
        try await withServer(InMemoryNetwork(settings)) { served in
            let report = await served.client(.bytes(1000, .upload)).report
            #expect(report.warnings == [.loopback])
        }
    }

    @Test("streams that never end are waited for 10 seconds, then their counts are marked incomplete")
    func lostEndOfUpload() async throws {
        var faults = InMemoryFaults()
        faults.losesTheEnd = true
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let client = served.client(.bytes(4000, .upload))
            await served.clock.pass(.seconds(10))  // the server's drain
            let report = await client.report

            #expect(report.upload?.isComplete == false)
            #expect(report.upload?.bytesReceived == 4000)
            #expect(report.warnings == [.incompleteDrain(.upload)])
            #expect(report.failure == nil)
        }
    }

    @Test("in a download, too")
    func lostEndOfDownload() async throws {
        var faults = InMemoryFaults()
        faults.losesTheEnd = true
        try await withServer(InMemoryNetwork(faults: faults)) { served in
            let client = served.client(.bytes(4000, .download))
            await served.clock.pass(.seconds(10))  // the server waits for the final report
            await served.clock.pass(.seconds(10))  // the client, having the result, for the streams
            let report = await client.report

            #expect(report.download?.isComplete == false)
            #expect(report.download?.bytesReceived == 4000)
            #expect(report.warnings == [.incompleteDrain(.download)])
        }
    }
}
