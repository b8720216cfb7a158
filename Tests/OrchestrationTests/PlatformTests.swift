import QrateControlProtocol
import QrateMeasurement
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateOrchestration

@Suite("program and machine of both ends", .timeLimit(.minutes(1))) struct PlatformTests {
    private func platform(_ build: String, _ kernel: String) -> Platform {
        var platform = Platform()
        platform.build = build
        platform.kernel = kernel
        return platform
    }

    private func run(_ here: Platform?, _ there: Platform?) async -> TestReport {
        let network = InMemoryNetwork()
        let server = SessionServer(listener: network.listener, platform: there, clock: network.clock) { _ in }
        let running = Task { await server.run() }
        let report = await ClientTest(
            transport: network.transport, endpoint: network.endpoint, parameters: .bytes(1000, .upload),
            connectTimeout: .seconds(10), startedAt: 0, platform: here, clock: network.clock
        ).run { _ in }
        server.stop()
        await running.value
        return report
    }

    @Test("are in the report, each end's own")
    func bothEnds() async {
        let (here, there) = (platform("release", "Linux 6.1"), platform("release", "Linux 5.10"))
        let report = await run(here, there)
        #expect(report.client.platform == here)
        #expect(report.server?.platform == there)
        #expect(report.isLoopback == false)
        #expect(report.warnings == [])
    }

    @Test("are absent where an end didn't tell")
    func untold() async {
        let report = await run(nil, nil)
        #expect(report.client.platform == nil && report.server?.platform == nil)
        #expect(report.warnings == [])
    }

    @Test(
        "a debug build is named, at whichever end it runs",
        arguments: [
            ("debug", "release", "the client"), ("release", "debug", "the server"),
            ("debug", "debug", "the client and the server"), ("debug", nil, "the client"),
        ] as [(String, String?, String)])
    func debugBuild(here: String, there: String?, ends: String) async {
        let report = await run(platform(here, "Linux"), there.map { platform($0, "Linux") })
        #expect(report.warnings.map(\.code) == ["debug_build"])
        #expect(
            report.warnings.first?.message
                == "A debug build of qrate runs at \(ends): the figures are about that, not about a network.")
    }
}
