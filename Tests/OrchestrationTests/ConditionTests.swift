import FoundationEssentials
import QrateControlProtocol
import QrateMeasurement
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateOrchestration

@Suite("warnings about a run's conditions") struct ConditionTests {
    private func report(_ transport: TransportKind = .quic, _ direction: Direction = .upload) -> TestReport {
        var report = TestReport(
            id: "t", startedAt: 0, parameters: TestParameters(transport: transport, direction: direction),
            client: EndReport(software: "c"), server: EndReport(software: "s"))
        let state = SteadyState(
            timeTo90Percent: .milliseconds(300), plateau: Bitrate(bitsPerSecond: 50_000_000),
            deviation: Bitrate(bitsPerSecond: 100_000), slice: .milliseconds(100))
        let summary = DirectionSummary(bytesReceived: 60_000_000, duration: .seconds(10), steadyState: state)
        if direction != .download { report.upload = summary }
        if direction != .upload { report.download = summary }
        return report
    }

    private func codes(_ report: TestReport) -> [String] {
        let both = [Direction.upload, .download].flatMap { report.doubtsAboutCourse($0) }
        return (report.doubtsAboutEnds() + both).map(\.code)
    }

    @Test("an ordinary run has none", arguments: [TransportKind.quic, .tcp, .tls, .udp])
    func ordinary(transport: TransportKind) {
        for direction in [Direction.upload, .download, .bidirectional] {
            var report = report(transport, direction)
            #expect(codes(report) == [])
            report.server = nil
            report.upload = nil
            #expect(codes(report) == [])
        }
    }

    @Test("a rise of more than a fifth of the window makes the test too short, unless the warm-up leaves it out")
    func shortTest() {
        var report = report()
        report.upload?.steadyState?.timeTo90Percent = .milliseconds(2000)
        #expect(codes(report) == [])
        report.upload?.steadyState?.timeTo90Percent = .milliseconds(2001)
        #expect(codes(report) == ["short_test"])
        report.parameters.warmUp = .seconds(1)
        #expect(codes(report) == [])
        report.parameters.warmUp = .zero
        report.parameters.transport = .udp
        #expect(codes(report) == [], "nothing rises there")
    }

    @Test("two levels are named, with both rates")
    func bimodal() throws {
        var report = report(.tcp, .download)
        report.download?.steadyState?.twoRates = TwoRates(
            low: Bitrate(bitsPerSecond: 31_000_000), high: Bitrate(bitsPerSecond: 58_000_000), lowShare: 0.43)
        let warning = try #require(report.doubtsAboutCourse(.download).first)
        #expect(warning.code == "bimodal")
        #expect(warning.message.contains("31.0 Mbit/s for 43 %") && warning.message.contains("58.0 Mbit/s"))
    }

    @Test("a wall clock that was set more than it can be misread by is named, at either end, either way")
    func clockStep() {
        for (step, isNamed) in [(Duration.milliseconds(10), false), (.milliseconds(11), true), (.seconds(-3600), true)]
        {
            var report = report()
            report.client.clockStep = step
            #expect((codes(report) == ["clock_step"]) == isNamed)
            report.client.clockStep = nil
            report.server?.clockStep = step
            #expect((codes(report) == ["clock_step"]) == isNamed)
        }
    }

    @Test("an offload that was missed counts at the end that would have used it")
    func offloads() {
        for (fallback, atClient) in [
            (OffloadFallback.segmentationUnavailable, true), (.segmentationGivenUp, true), (.receiveUnavailable, false),
        ] {
            var report = report()
            report.client.settings.offloadFallbacks = [fallback]
            #expect(codes(report) == (atClient ? ["offload_fallback"] : []))
            report.client.settings.offloadFallbacks = []
            report.server?.settings.offloadFallbacks = [fallback]
            #expect(codes(report) == (atClient ? [] : ["offload_fallback"]))
            report.parameters.direction = .bidirectional
            report.download = report.upload
            #expect(codes(report) == ["offload_fallback"], "in one of the two directions each")
        }
    }

    @Test("buffers that the kernel cut are named where payload used them, with the sysctl and its value")
    func buffers() throws {
        var report = report()
        report.client.settings.socketBufferAsked = 8_388_608
        report.client.settings.sendBuffer = 16_777_216
        report.client.settings.receiveBuffer = 425_984
        report.server?.settings = report.client.settings
        let warnings = report.doubtsAboutEnds()
        // The client only sends, and its send buffer is whole.
        #expect(warnings.map(\.code) == ["small_socket_buffer"])
        let message = try #require(warnings.first?.message)
        #expect(
            message.hasPrefix("The server asked for socket buffers of 8388608 bytes and got 212992 (net.core.rmem_max)")
        )
        #expect(message.contains("`sysctl net.core.rmem_max=8388608`"))
        report.client.settings.sendBuffer = 425_984
        #expect(report.doubtsAboutEnds().first?.message.contains("net.core.wmem_max=8388608") == true)
        report.client.settings.socketBufferAsked = nil
        #expect(report.doubtsAboutEnds().count == 1, "what was asked for isn't known")
    }

    @Test("the ends' clocks are compared from the plane's beginning to its last sample")
    func clockOffsets() throws {
        func sample(_ offset: Duration?) -> PlaneSample {
            var sample = PlaneSample()
            sample.clockOffset = offset
            return sample
        }
        for (first, last, step) in [
            (Duration.seconds(1_000), Duration.seconds(940), Duration.seconds(-60)), (nil, .seconds(1), nil),
            (.seconds(1), nil, nil),
        ] as [(Duration?, Duration?, Duration?)] {
            let plan = DataPlan(role: .server, parameters: .seconds(1, .upload))
            let test = ServedTest(id: "t", peer: "p", software: "s", parameters: plan.parameters)
            let client = try PeerProtocol.negotiate(.qrateClient)
            var run = ServerRun(
                client: client, test: test, plan: plan, silence: .seconds(30), first: sample(first),
                now: MonotonicTime(nanoseconds: 0))
            run.take(sample(last))
            guard case .result(let result) = run.result(now: MonotonicTime(nanoseconds: 1)) else { return }
            #expect(result.qrate?.clockStep == step)
            let server = try PeerProtocol.negotiate(.qrateServer, as: .client)
            var other = ClientRun(server: server, plan: plan, first: sample(first))
            other.take(sample(last))
            #expect(other.clockStep == step)
        }
    }

    @Test("a clock step that can't be is none")
    func impossibleStep() {
        for milliseconds in [1e300, -1e300, 4e12] {
            var extra = ResultMessage.Extension()
            extra.clockStepMilliseconds = milliseconds
            #expect(extra.clockStep == nil)
        }
    }

    @Test("the two clocks keep their distance while nobody sets one")
    func clocks() {
        let offsets = (0..<100).map { _ in WallClock.offset() }
        let spread = (offsets.max() ?? .zero) - (offsets.min() ?? .zero)
        #expect(spread < Tunables.clockStep)
    }

    @Test("every code that the source knows is explained in docs/WARNINGS.md, and no other is")
    func listed() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let sources = root.appending(path: "Sources")
        let names = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }
        var used: Set<Substring> = []
        for name in names {
            let text = String(decoding: try Data(contentsOf: sources.appending(path: name)), as: UTF8.self)
            guard text.contains("TestWarning(") else { continue }
            for match in text.matches(of: /code:\s*"([a-z_0-9]+)"/) { used.insert(match.1) }
        }
        let list = String(decoding: try Data(contentsOf: root.appending(path: "docs/WARNINGS.md")), as: UTF8.self)
        let explained = Set(list.matches(of: /\n\| `([a-z_0-9]+)` \|/).map(\.1))
        #expect(used == explained)
        #expect(used.count >= 16, "the search found too few: \(used)")
    }
}
