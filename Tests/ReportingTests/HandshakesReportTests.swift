import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("reports of handshakes") struct HandshakesReportTests {
    /// Over TLS, with faults, one of the wrong kind, and a server that tells nothing of itself in the second phase.
    static let sample: HandshakeTestReport = {
        var report = HandshakeTestReport(
            startedAt: 1_795_000_000.5,
            parameters: HandshakeParameters(transport: .tls, duration: .seconds(10), count: 5000, parallel: 4),
            client: EndReport(software: "qrate/0.1.0"))
        report.server = EndReport(software: "qrate/0.1.0", host: "paris.example.net", address: "192.0.2.7:5201")
        report.security = SecurityReport(
            protocolVersion: "TLS 1.3", cipher: "AES-128-GCM", applicationProtocol: "qrate/1",
            verification: .known(since: "2026-11-20"), fingerprint: String(repeating: "9f3c", count: 16))
        var cold = HandshakePhaseReport(kind: .cold)
        cold.completed = 4123
        cold.failures = [.timeout: 2, .connectionRefused: 1]
        cold.window = .milliseconds(5003)
        cold.latency = LatencySummary(
            minimum: .microseconds(903), median: .microseconds(1204), percentile90: .microseconds(1456),
            percentile99: .microseconds(2104), maximum: .microseconds(9812))
        cold.connectLatency = LatencySummary(
            minimum: .microseconds(31), median: .microseconds(38), percentile90: .microseconds(52),
            percentile99: .microseconds(87), maximum: .microseconds(412))
        cold.clientCPU = .milliseconds(1700)
        cold.serverCPU = .milliseconds(1234)
        var resumed = HandshakePhaseReport(kind: .resumed)
        resumed.completed = 12
        resumed.mistaken = 3
        resumed.isPartial = true
        resumed.window = .milliseconds(250)
        resumed.latency = LatencySummary(
            minimum: .microseconds(303), median: .microseconds(404), percentile90: .microseconds(456),
            percentile99: .microseconds(604), maximum: .microseconds(812))
        resumed.clientCPU = .milliseconds(3)
        report.phases = [cold, resumed]
        report.warnings = [TestWarning(code: "loopback", message: "Both ends are on this machine.")]
        report.failure = TestFailure(.interrupted, "The measurement was interrupted.")
        return report
    }()

    @Test("text reads as recorded, in no more than 80 columns")
    func text() throws {
        let report = Self.sample
        let text =
            HandshakesText.header(report) + HandshakesText.heading
            + report.phases.map(HandshakesText.row).joined() + HandshakesText.summary(report)
            + HandshakesText.notes(report)
        try Golden.expect(text, equals: "handshakes.txt")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test("JSON reads as recorded")
    func json() throws {
        try Golden.expect(
            try HandshakesJSON(build: "release").document(Self.sample), equals: "handshakes.json")
    }

    @Test("of a phase in which nothing was completed, nothing is told but that")
    func nothing() throws {
        var report = HandshakeTestReport(
            startedAt: 0, parameters: HandshakeParameters(), client: EndReport(software: "qrate/0.1.0"))
        report.phases = [HandshakePhaseReport(kind: .cold)]
        let document = try HandshakesJSON(build: "release").document(report)
        for key in ["latency_us", "connections_per_second", "duration_ms\" : 0", "cpu"] {
            #expect(!document.contains(key), "\(key)")
        }
        #expect(
            HandshakesText.row(report.phases[0])
                == "cold              0       0           –         –         –         –         –\n")
        #expect(HandshakesText.summary(report) == "")
    }
}
