import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI
import Testing

@Suite("processor time of both ends", .timeLimit(.minutes(1))) struct ProcessorTimeTests {
    private func run(_ served: ServedNetwork, _ direction: Direction) async -> TestReport {
        let client = served.client(.seconds(2, direction))
        let rows = direction == .bidirectional ? 2 : 1
        for second in 1...2 {
            await served.clock.pass(.seconds(1), sleepers: rows)
            await client.rows(endingAt: .seconds(second), count: rows)
        }
        return await client.report
    }

    @Test("reaches the report, whichever end sends", arguments: Direction.allCases)
    func bothEnds(direction: Direction) async throws {
        try await withServer { served in
            let report = await run(served, direction)
            for usage in [report.client.cpu, report.server?.cpu] {
                #expect(usage?.user == .milliseconds(500))
                #expect(usage?.system == .milliseconds(250))
                #expect(usage?.threads.map(\.elapsed) == [.seconds(2)])
            }
            #expect(report.warnings == [])
        }
    }

    @Test("a thread that was at work all the time is named, with its end", arguments: [Direction.upload, .download])
    func cpuBound(direction: Direction) async throws {
        var settings = InMemoryNetwork.Settings()
        settings.serverIsBusy = true
        try await withServer(InMemoryNetwork(settings)) { served in
            let report = await run(served, direction)
            #expect(report.warnings.map(\.code) == ["cpu_bound"])
            #expect(
                report.warnings.first?.message
                    == "The server's thread \"memory\" was at work 100 % of the time: the figures may be its "
                    + "processor's, not the network's.")
        }
    }

    @Test("of a hundredth of a second nothing is said")
    func tooShort() async throws {
        var settings = InMemoryNetwork.Settings()
        settings.serverIsBusy = true
        try await withServer(InMemoryNetwork(settings)) { served in
            let report = await served.client(.bytes(1000, .upload)).report
            #expect(report.server?.cpu?.busiest?.busyShare == 1)
            #expect(report.warnings == [])
        }
    }
}
