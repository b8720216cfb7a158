import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("reports of self-tests") struct SelfTestReportTests {
    /// A host that says everything, with a transport that fails.
    private static let full: SelfTestReport = {
        var host = SelfTestHost()
        host.platform.kernel = "Linux 6.1.0-18-amd64"
        host.platform.processorCount = 2
        host.platform.processor = "Example Processor 1234"
        host.buffers = SelfTestHost.Buffers(
            asked: 8_388_608, receive: 425_984, send: 16_777_216, receiveLimit: 212_992, sendLimit: 212_992)
        host.offloads = SelfTestHost.Offloads(segmentation: true, receive: false)
        host.congestion.available = ["reno", "bbr", "cubic"]
        host.congestion.allowed = ["reno", "cubic"]
        host.congestion.standard = "bbr"
        host.congestion.quic = ["cubic", "reno"]
        host.congestion.canUseCommonController = true
        host.clock.resolution = .nanoseconds(1)
        host.clock.reading = .nanoseconds(22)
        host.clock.source = "tsc"
        host.clock.isSynchronized = true
        host.encryption.hasAESInstructions = true
        host.encryption.library = "libipsec-mb"
        host.encryption.shareOfGnuTLS = 0.58123
        var report = SelfTestReport(
            startedAt: 1_795_216_699.5, software: "qrate/0.1.0", duration: .seconds(1), host: host)
        var quic = LoopbackFigure(.quic)
        quic.throughput = Bitrate(bitsPerSecond: 14_330_000_000)
        quic.congestionController = "cubic"
        quic.cipher = "AES-128-GCM"
        quic.aead = "libipsec-mb"
        var tcp = LoopbackFigure(.tcp)
        tcp.failure = TestFailure(.failed, "the connection was lost")
        var udp = LoopbackFigure(.udp)
        udp.throughput = Bitrate(bitsPerSecond: 20_000_000_000)
        udp.lossRatio = 0.123
        report.loopback = [quic, tcp, udp]
        report.findings = [
            SelfTestFinding(.fault, "loopback_failed", "TCP on the loopback failed: the connection was lost"),
            SelfTestFinding(.hint, "no_gro", "the kernel merges no datagrams"),
        ]
        return report
    }()

    /// A host that says nothing.
    private static let silent = SelfTestReport(startedAt: 0, software: "qrate/0.1.0", duration: .milliseconds(500))

    private func text(_ report: SelfTestReport) -> String {
        SelfTestText.header(report) + SelfTestText.heading + report.loopback.map(SelfTestText.row).joined()
            + SelfTestText.summary(report)
    }

    @Test("text reads as recorded, in no more than 80 columns")
    func text() throws {
        for (name, report) in [("selftest", Self.full), ("selftest-silent", Self.silent)] {
            let text = text(report)
            try Golden.expect(text, equals: name + ".txt")
            #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        }
    }

    @Test("JSON reads as recorded, and as the schema has it; what isn't known has no key")
    func json() async throws {
        for (name, report) in [("selftest", Self.full), ("selftest-silent", Self.silent)] {
            try Golden.expect(try SelfTestJSON(build: "release").document(report), equals: name + ".json")
            try await expectValid(name + ".json", schema: "selftest")
        }
        #expect(!(try SelfTestJSON().document(Self.silent).contains("null")))
        try Golden.expect(
            SelfTestJSON.failure(TestFailure(.usage, "no"), build: "release"), equals: "selftest-usage.json")
        try await expectValid("selftest-usage.json", schema: "selftest")
    }
}
