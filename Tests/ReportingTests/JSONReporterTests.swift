import FoundationEssentials
import QrateMeasurement
import Subprocess
import Testing

@testable import QrateReporting

@Suite("JSON reports") struct JSONReporterTests {
    @Test("every kind of test reads as recorded", arguments: SampleReports.all.map(\.name))
    func golden(name: String) throws {
        let document = try JSONReporter(build: "release").document(try SampleReports.named(name))
        try Golden.expect(document, equals: name + ".json")
    }

    @Test("a failure before the test is one object with the error")
    func failureBeforeTest() throws {
        let document = JSONReporter.failure(TestFailure(.usage, "unknown option `--fast`\n"), build: "release")
        try Golden.expect(document, equals: "usage.json")
    }

    @Test("a direction's rows carry that direction's counts, and each sender's view has its key")
    func bothDirections() throws {
        let document = try JSONReporter().document(SampleReports.bidirectional)
        let result = try rows(document)
        #expect(result.intervals.map { $0.upload != nil } == [true, false, true, false])
        #expect(result.intervals.map { $0.download != nil } == [false, true, false, true])
        #expect(result.path?.quic.observedBy == "client")
        #expect(result.pathDownload?.quic.observedBy == "server")
        let download = try JSONReporter().document(SampleReports.downloadOfFourStreams)
        let one = try rows(download)
        #expect(one.path?.quic.observedBy == "server")
        #expect(one.pathDownload == nil)
    }

    private func rows(_ document: String) throws -> Rows {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Rows.self, from: Data(document.utf8))
    }

    private struct Rows: Decodable {
        var intervals: [Row]
        var path: Path?
        var pathDownload: Path?

        struct Row: Decodable { var upload: Count?, download: Count? }
        struct Count: Decodable { var bytesReceived: UInt64 }
        struct Path: Decodable { var quic: Observed }
        struct Observed: Decodable { var observedBy: String }
    }

    @Test("shares of time are so rounded that they add up to 1", arguments: [3, 7, 9_999, 20_001, 1_000_000_007])
    func roundedShares(covered: Int) throws {
        for parts in 1...LimitCause.allCases.count {
            let causes = LimitCause.allCases.prefix(parts)
            let first = covered - (parts - 1) * (covered / 8)
            let limits = LimitShares(
                causes.reduce(into: [:]) { $0[$1] = .nanoseconds($1 == causes.first ? first : covered / 8) })
            let ratios = try #require(LimitsDocument.ratios(limits))
            #expect(ratios.count == parts)
            #expect((ratios.values.reduce(0) { $0 + ($1 * 10_000).rounded() }) == 10_000)
            for (cause, ratio) in ratios { #expect(abs(ratio - (try #require(limits.share(of: cause)))) <= 0.0001) }
        }
        #expect(LimitsDocument.ratios(LimitShares([.cpu: .zero])) == nil)
    }

    @Test("a resumed session is told from a full handshake, and from a transport that has none")
    func resumption() throws {
        var report = SampleReports.udpUpload
        for (isResumed, text) in [(true, "\"resumed\" : true"), (false, "\"resumed\" : false"), (nil, nil)] {
            report.handshake = HandshakeReport(duration: .milliseconds(3), isResumed: isResumed)
            let document = try JSONReporter().document(report)
            #expect(document.contains("\"resumed\"") == (text != nil))
            if let text { #expect(document.contains(text)) }
        }
    }

    @Test("an unlimited rate is no target")
    func unlimited() throws {
        var report = SampleReports.udpUpload
        #expect(try JSONReporter().document(report).contains("\"target_bitrate_bps\" : 100000000"))
        report.parameters.targetBitrate = Bitrate(bitsPerSecond: 0)
        #expect(!(try JSONReporter().document(report).contains("target_bitrate")))
    }

    @Test("what was not measured has no key")
    func absentIsNotZero() throws {
        let document = try JSONReporter().document(SampleReports.nothingReceived)
        for key in ["throughput_bps", "bytes_sent", "complete", "smoothed_rtt_us", "stream_packets_lost", "null"] {
            #expect(!document.contains(key))
        }
    }

    @Test("times are the decimals that were measured, without the noise of binary fractions")
    func exactDecimals() {
        #expect("\(Duration.microseconds(24_100).jsonMilliseconds)" == "24.1")
        #expect("\(Duration.nanoseconds(1_000_000_007).jsonMilliseconds)" == "1000.000007")
        #expect("\(Duration.nanoseconds(85_300).jsonMicroseconds)" == "85.3")
    }

    @Test("a start that can't be written is left out")
    func impossibleStart() throws {
        var report = SampleReports.upload
        report.startedAt = .infinity
        #expect(!(try JSONReporter().document(report).contains("started_at")))
    }
}

@Suite("the published JSON Schema") struct ResultSchemaTests {
    @Test("accepts every recorded document")
    func acceptsRecorded() async throws {
        let files = (SampleReports.all.map(\.name) + ["usage"]).map { Golden.folder.appending(path: $0 + ".json").path }
        let outcome = try await validate(files)
        #expect(outcome.isValid, "\(outcome.output)")
    }

    @Test("knows every kind of failure and every verdict on a certificate")
    func knowsEveryCase() async throws {
        var documents = TestFailure.Kind.allCases.map { JSONReporter.failure(TestFailure($0, "why")) }
        for verification in [
            CertificateVerification.pinned, .certificateAuthority, .known(since: "2026-11-20"), .firstUse, .unverified,
        ] {
            var report = SampleReports.upload
            report.security?.verification = verification
            documents.append(try JSONReporter().document(report))
        }
        let outcome = try await validate(documents: documents)
        #expect(outcome.isValid, "\(outcome.output)")
    }

    @Test(
        "refuses a document that is not what it describes",
        arguments: [
            ("\"tool\" :", "\"tol\" :"),  // an unknown key, a required one missing
            ("\"direction\" : \"upload\"", "\"direction\" : \"up\""), ("qrate.result/1", "qrate.result/2"),
            ("\"bytes_sent\" : 334912992", "\"bytes_sent\" : null"), ("\"bytes_sent\" : ", "\"bytes_sent\" : -"),
            ("\"known_since\" : \"2026-11-20\",", ""), ("\"start_ms\" : 0", "\"start_ms\" : \"0\""),
            ("\"omitted\" : false", "\"omitted\" : false, \"omitted\" : false"),
        ])
    func refuses(original: String, replacement: String) async throws {
        let document = try JSONReporter().document(SampleReports.upload)
        let changed = document.replacing(original, with: replacement)
        try #require(changed != document)
        #expect(try await !validate(documents: [changed]).isValid)
    }

    @Test(
        "refuses what only another transport or direction has",
        arguments: [
            ("udp-upload", "\"loss_percent\" : 0.14", "\"loss_percent\" : 200.14"),
            ("udp-upload", "\"udp\" : {", "\"tcp\" : {"), ("tcp-upload", "\"retransmissions\" :", "\"lost\" :"),
            ("udp-bidirectional", "\"path_download\" :", "\"path_upload\" :"),
            ("endless", "\"endless\" : true,", ""), ("endless", "\"endless\" : true", "\"endless\" : false"),
            ("tcp-upload", "\"tos\" : 184", "\"tos\" : 256"), ("probe-mtu", "\"path_mtu_bytes\"", "\"mtu\""),
            ("quic-datagrams", "\"datagrams\" : true", "\"datagrams\" : false"),
        ])
    func refusesOthers(sample: String, original: String, replacement: String) async throws {
        let document = try JSONReporter().document(try SampleReports.named(sample))
        let changed = document.replacing(original, with: replacement)
        try #require(changed != document)
        #expect(try await !validate(documents: [changed]).isValid)
    }

    private func validate(documents: [String]) async throws -> (isValid: Bool, output: String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "qrate-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try documents.enumerated().map { index, document in
            let file = folder.appending(path: "\(index).json")
            try Data(document.utf8).write(to: file)
            return file.path
        }
        return try await validate(files)
    }

    /// Runs `scripts/validate-json`, which writes to standard error when it can't do its work.
    private func validate(_ files: [String]) async throws -> (isValid: Bool, output: String) {
        let script = Golden.repository.appending(path: "scripts/validate-json").path
        let schema = Golden.repository.appending(path: "docs/result.schema.json").path
        // By way of `env`, because naming an executable by its path takes a type of a package that we don't import.
        let result = try await run(
            .name("env"), arguments: .init([script, schema] + files), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 16))
        try #require(result.standardError == "")
        return (result.terminationStatus == .exited(0), result.standardOutput)
    }
}
