import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("plain text reports") struct PlainTextReporterTests {
    @Test("every kind of test reads as recorded", arguments: SampleReports.all.map(\.name))
    func golden(name: String) throws {
        let report = try SampleReports.named(name)
        try Golden.expect(PlainTextReporter(report.parameters).document(report), equals: name + ".txt")
    }

    @Test("no line is wider than 80 columns or ends in a space", arguments: SampleReports.all.map(\.name))
    func fitsTerminal(name: String) throws {
        let report = try SampleReports.named(name)
        let text = PlainTextReporter(report.parameters).document(report)
        for line in text.split(separator: "\n") {
            #expect(line.count <= 80, "\(line)")
            #expect(!line.hasSuffix(" "), "\(line)")
        }
        #expect(text.hasSuffix("\n"))
    }

    @Test("nothing a peer says reaches the terminal as a control or format character")
    func peerCannotControlTerminal() {
        let report = SampleReports.hostilePeer
        let text = PlainTextReporter(report.parameters).document(report)
        for scalar in text.unicodeScalars where scalar != "\n" {
            let category = scalar.properties.generalCategory
            #expect(category != .control && category != .format && category != .lineSeparator, "\(scalar.value)")
        }
        #expect(text.utf8.count < 5000)
    }

    @Test("the first row brings the heading, later rows do not")
    func headingOnce() {
        let report = SampleReports.upload
        let reporter = PlainTextReporter(report.parameters)
        #expect(reporter.heading.contains("interval"))
        #expect(!reporter.interval(report.intervals[0]).contains("interval"))
    }

    @Test("a failure is one line, whatever a peer put into it")
    func problem() throws {
        let failure = try #require(SampleReports.hostilePeer.failure)
        let line = PlainTextReporter.problem(failure)
        #expect(line == "qrate: [2J]0;owned  etarq31mtoo busy try later\n")
        #expect(PlainTextReporter.problem(TestFailure(.failed, String(repeating: "long ", count: 200))).count < 520)
    }

    @Test("bytes that came all at once were received, though they have no rate")
    func noRate() {
        var report = SampleReports.upload
        report.intervals = []
        report.upload = DirectionSummary(bytesReceived: 1, duration: nil, bytesSent: 1)
        #expect(PlainTextReporter(report.parameters).summary(report).contains("\n1 B received, too few for a rate\n"))
    }

    @Test("a header from before the handshake says only what was asked")
    func headerBeforeHandshake() {
        var report = SampleReports.upload
        report.client.settings = EffectiveSettings()
        report.server = nil
        report.security = nil
        #expect(PlainTextReporter(report.parameters).header(report) == "qrate 0.1.0   QUIC upload\n1 stream, 3 s\n")
    }

    @Test(
        "an address that the user wrote is not shown twice",
        arguments: [
            ("192.0.2.7", "192.0.2.7:5201"), ("2001:db8::7", "[2001:db8::7]:5201"),
        ])
    func addressOnce(host: String, address: String) {
        var report = SampleReports.upload
        report.server?.host = host
        report.server?.address = address
        let title = PlainTextReporter(report.parameters).header(report).prefix { $0 != "\n" }
        #expect(title == "qrate 0.1.0   QUIC upload to \(address)")
    }

    @Test(
        "a fingerprint that nobody vouched for is whole, and as --pin takes it",
        arguments: [
            CertificateVerification.firstUse, .unverified,
        ])
    func wholeFingerprint(verification: CertificateVerification) throws {
        var report = SampleReports.upload
        report.security?.verification = verification
        let fingerprint = try #require(report.security?.fingerprint)
        #expect(PlainTextReporter(report.parameters).header(report).contains("\nsha256:\(fingerprint)\n"))
    }

    @Test("an unverified certificate is named in capitals together with the flag that allowed it")
    func unverified() {
        var report = SampleReports.upload
        report.security?.verification = .unverified
        #expect(
            PlainTextReporter(report.parameters).header(report).contains("certificate NOT VERIFIED (--insecure)"))
    }

    @Test("offloads that differ are told apart")
    func offloads() {
        var report = SampleReports.upload
        report.server?.settings.receiveOffload = false
        #expect(PlainTextReporter(report.parameters).header(report).contains("GSO on, GRO off"))
    }

    @Test(
        "counts that a peer made up are written, whatever they are",
        arguments: [
            (UInt64.max, Int64.max), (.max, .min), (0, .min), (0, .max), (0, 0), (.max, 0), (5, -6),
        ])
    func impossibleDatagrams(received: UInt64, lost: Int64) throws {
        var report = SampleReports.udpUpload
        var counted = DatagramReport(received: received, lost: lost, duplicates: .max, reordered: .max)
        counted.receiveBufferDrops = .max
        counted.jitter = .seconds(Int64.max)
        report.intervals[0].datagrams = counted
        report.upload?.datagrams = counted
        let text = PlainTextReporter(report.parameters).document(report)
        #expect(text.contains("\nlost "))
        #expect(!(try JSONReporter().document(report).contains("null")))
    }

    @Test("a share of what was lost is given only where it can be")
    func noShare() {
        var report = SampleReports.udpUpload
        report.upload?.datagrams = DatagramReport()
        #expect(PlainTextReporter(report.parameters).summary(report).contains("lost 0 of 0 datagrams (–)"))
    }

    @Test("a receiver whose buffer is ample is not told to enlarge it")
    func ampleBuffer() {
        var report = SampleReports.udpUpload
        let advice = "net.core.rmem_max"
        #expect(PlainTextReporter(report.parameters).summary(report).contains(advice))
        report.server?.settings.receiveBuffer = 16_777_216
        #expect(!PlainTextReporter(report.parameters).summary(report).contains(advice))
        report.server?.settings.receiveBuffer = nil
        #expect(PlainTextReporter(report.parameters).summary(report).contains(advice))
        report.upload?.datagrams?.receiveBufferDrops = 0
        #expect(!PlainTextReporter(report.parameters).summary(report).contains(advice))
    }

    @Test("each end's settings are told where they differ")
    func differentSettings() {
        var report = SampleReports.bidirectional
        report.parameters.transport = .tcp
        report.client.settings.payloadUnit = 1400
        report.server?.settings.payloadUnit = 131_072
        report.server?.settings.skipsReceiveCopy = true
        let header = PlainTextReporter(report.parameters).header(report).replacing("\n  ", with: " ")
        #expect(header.contains("writes of 1400 bytes (upload), writes of 128 KiB (download)"))
        #expect(header.contains("received payload NOT COPIED (--skip-rx-copy) (upload)"))
    }
}
