import QrateMeasurement

/// The reports behind the golden files: one per thing that can happen to a test.
enum SampleReports {
    static let all: [(name: String, report: TestReport)] = [
        ("upload", upload), ("download-4-streams", downloadOfFourStreams), ("bidirectional", bidirectional),
        ("unreachable", unreachable), ("refused", refused), ("interrupted", interrupted),
        ("nothing-received", nothingReceived),
        ("nothing-reported", nothingReported), ("unit-boundaries", unitBoundaries), ("hostile-peer", hostilePeer),
        ("tcp-upload", tcpUpload), ("tls-download", tlsDownload), ("udp-upload", udpUpload),
        ("udp-bidirectional", udpBidirectional), ("quic-datagrams", quicDatagrams), ("endless", endless),
        ("shared-thread", sharedThread), ("latency", latency), ("latency-few", fewLatencyProbes),
        ("probe-mtu", probeMTU), ("probe-mtu-nothing", probeMTUNothing), ("limited", limited),
        ("slow-rise", slowRise),
    ]

    static func named(_ name: String) throws -> TestReport {
        struct NoSuchReport: Error { var name: String }
        guard let sample = all.first(where: { $0.name == name }) else { throw NoSuchReport(name: name) }
        return sample.report
    }

    // MARK: - The reports

    static var upload: TestReport {
        var report = base(TestParameters(limit: .duration(.seconds(3))))
        report.intervals = [
            row(0, 1000, 97_400_000, path: path(end: 1000, rtt: 24_100, lost: 37, window: 2_900_000)),
            row(1000, 2003, 116_900_000, path: path(end: 2000, rtt: 26_800, lost: 0, window: 3_100_000)),
            row(2003, 3000, 117_200_000, path: path(end: 2999, rtt: 26_200, lost: 4, window: 3_050_000)),
        ]
        report.upload = DirectionSummary(
            bytesReceived: 331_500_000, duration: .milliseconds(3000), drainedBytes: 3_412_992,
            bytesSent: 334_912_992, streams: [331_500_000], isComplete: true)
        report.uploadPath = path(end: 3031, rtt: 26_200, lost: 41, window: 3_050_000)
        report.isLoopback = false
        report.client.platform = platform("AMD EPYC 7763 64-Core Processor", processors: 4)
        report.client.platform?.isVirtualMachine = true
        report.client.platform?.isContainer = true
        report.server?.platform = platform("Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", processors: 64)
        report.server?.platform?.isVirtualMachine = false
        report.client.cpu = ProcessorUsage([thread(user: 98, system: 203, elapsed: 3000)])
        report.server?.cpu = ProcessorUsage([thread(user: 121, system: 243, elapsed: 3012, lookout: 40)])
        report.uploadPath?.limits = LimitShares(
            LimitCause.allCases.reduce(into: [:]) { $0[$1] = .milliseconds($1 == .congestionWindow ? 2822 : 30) })
        return report
    }

    static var downloadOfFourStreams: TestReport {
        var report = base(
            TestParameters(
                direction: .download, streams: 4, limit: .duration(.seconds(2)), warmUp: .milliseconds(500),
                interval: .seconds(1)))
        report.security?.verification = .firstUse
        report.intervals = [
            row(
                0, 500, download: 20_000_000, isWarmUp: true, streams: [8_000_000, 6_000_000, 4_000_000, 2_000_000],
                path: path(.server, end: 498, rtt: 20_900, lost: 12, window: 1_200_000)),
            row(
                500, 1500, download: 100_000_000, streams: [25_000_000, 25_000_000, 25_000_000, 25_000_000],
                path: path(.server, end: 1501, rtt: 24_100, lost: 0, window: 2_900_000)),
            row(
                1500, 2500, download: 110_000_000, streams: [30_000_000, 30_000_000, 30_000_000, 20_000_000],
                path: path(.server, end: 2499, rtt: 25_000, lost: 18, window: 2_950_000)),
        ]
        report.download = DirectionSummary(
            bytesReceived: 210_000_000, duration: .seconds(2), drainedBytes: 1_000_000, warmUpBytes: 20_000_000,
            bytesSent: 231_000_000, streams: [55_000_000, 55_000_000, 55_000_000, 45_000_000], isComplete: true)
        report.downloadPath = path(.server, end: 2530, rtt: 25_000, lost: 30, window: 2_950_000)
        return report
    }

    /// Both directions have streams, rows and a path of their own.
    static var bidirectional: TestReport {
        var report = base(TestParameters(direction: .bidirectional, streams: 2, limit: .bytes(250_000_000)))
        report.security?.verification = .pinned
        report.server?.settings.congestionController = "bbr"
        report.intervals = [
            row(
                0, 1000, 97_400_000, streams: [50_000_000, 47_400_000],
                path: path(end: 1000, rtt: 24_100, lost: 0, window: 2_900_000)),
            row(
                0, 1003, download: 110_000_000, streams: [55_000_000, 55_000_000],
                path: path(.server, end: 1001, rtt: 25_300, lost: 2, window: 3_100_000)),
            row(1000, 2140, 152_600_000),
            row(1003, 2251, download: 140_000_000),
        ]
        report.upload = DirectionSummary(
            bytesReceived: 250_000_000, duration: .milliseconds(2140), bytesSent: 250_000_000,
            streams: [130_000_000, 120_000_000], isComplete: true)
        report.download = DirectionSummary(
            bytesReceived: 250_000_000, duration: .milliseconds(2251), bytesSent: 250_000_000,
            streams: [125_000_000, 125_000_000], isComplete: true)
        report.uploadPath = path(end: 2150, rtt: 24_400, lost: 0, window: 2_900_000)
        report.downloadPath = path(.server, end: 2260, rtt: 25_900, lost: 2, window: 3_100_000)
        return report
    }

    /// Failed before a server answered.
    static var unreachable: TestReport {
        TestReport(
            id: "5b0f", startedAt: 1_795_216_699.5, parameters: TestParameters(),
            client: EndReport(software: "qrate/0.1.0"),
            failure: TestFailure(
                .unreachable, "paris.example.net:5201 did not answer within 10 s; is `qrate serve` running there?"))
    }

    /// Refused by the server, after the handshake: there is nothing partial to speak of.
    static var refused: TestReport {
        var report = base(TestParameters())
        report.failure = TestFailure(.refused, "the server runs 64 tests already, which is its limit; try again later")
        return report
    }

    static var interrupted: TestReport {
        var report = upload
        report.parameters.limit = .duration(.seconds(10))
        report.intervals.removeLast()
        report.intervals.append(
            row(2003, 2420, 49_000_000, path: path(end: 2418, rtt: 26_200, lost: 4, window: 3_050_000)))
        report.upload = DirectionSummary(
            bytesReceived: 263_300_000, duration: .milliseconds(2420), bytesSent: 266_000_000,
            streams: [263_300_000], isComplete: false)
        report.warnings = [
            TestWarning(
                code: "small_buffers",
                message:
                    "the kernel granted a receive buffer of 416 KiB; `sysctl net.core.rmem_max=8388608` allows more")
        ]
        report.failure = TestFailure(.interrupted, "interrupted after 2.4 s")
        return report
    }

    /// The connection stood, and not a byte arrived.
    static var nothingReceived: TestReport {
        var report = base(TestParameters())
        report.security?.verification = .unverified
        report.client.settings = EffectiveSettings()
        report.server?.settings = EffectiveSettings()
        report.upload = DirectionSummary(bytesReceived: 0, duration: nil)
        report.uploadPath = PathReport(observedBy: .client, start: .zero, end: .zero, metrics: .quic(QUICPathMetrics()))
        return report
    }

    /// The server is one that measures and doesn't tell.
    static var nothingReported: TestReport {
        var report = base(TestParameters())
        report.security?.verification = .certificateAuthority
        report.security?.aead = "gnutls"
        report.client.settings.aead = "gnutls"
        report.server?.software = "xfr/0.9.0"
        report.server?.settings = EffectiveSettings()
        report.intervals = []
        return report
    }

    /// Figures on either side of where a unit or a label changes.
    static var unitBoundaries: TestReport {
        var report = base(TestParameters(limit: .whicheverFirst(.milliseconds(1500), 1_048_576)))
        report.server?.host = "192.0.2.7"
        report.intervals = [
            row(0, 991, 999, path: path(end: 1000, rtt: 999.4, lost: 0, window: 999)),
            row(991, 2010, 1000, path: path(end: 2000, rtt: 999.6, lost: 0, window: 1000)),
            row(2010, 2100, 999_949, path: path(end: 2100, rtt: 999_499, lost: 0, window: 999_499)),
            row(2100, 2245, 999_950, path: path(end: 2200, rtt: 999_500, lost: 0, window: 999_500)),
            row(2245, 2247, 125_000, path: path(end: 2200, rtt: 0, lost: 4_000_000, window: 0)),
            row(2247, 2247, 0), row(3599_000, 3600_000, 124_937_500),
        ]
        report.upload = DirectionSummary(
            bytesReceived: 999_949_999, duration: .milliseconds(3_600_000), bytesSent: 999_950_000)
        report.handshake = HandshakeReport(duration: .microseconds(87))
        return report
    }

    /// A peer that tries to write to the terminal, to turn text around, and to fill the screen.
    static var hostilePeer: TestReport {
        var report = base(TestParameters(streams: 2, limit: .duration(.seconds(1))))
        let attack = "\u{1B}[2J\u{1B}]0;owned\u{07}\r\n\u{202E}etarq\u{9B}31m"
        report.id = "5b0f\u{1B}[31m"
        report.server?.software = attack + String(repeating: "A", count: 200)
        report.server?.settings.congestionController = "cubic" + attack
        report.security?.cipher = "AES-128-GCM" + attack
        report.security?.aead = "gnutls"
        report.server?.settings.aead = "gnutls" + attack
        report.security?.applicationProtocol = "qrate/1\n"
        report.intervals = [
            row(0, 1000, ByteCount(.max), streams: Array(repeating: ByteCount(.max), count: 2)),
            row(
                1000, 2000, ByteCount(.max), streams: Array(repeating: 1, count: 3),
                path: path(end: 366 * 86_400_000, rtt: 1e12, lost: .max, window: .max)),
            row(2000, 1000, ByteCount(.max), path: path(end: 0, rtt: 1e12, lost: 0, window: .max)),
        ]
        report.upload = DirectionSummary(
            bytesReceived: ByteCount(.max), duration: .nanoseconds(1), bytesSent: ByteCount(.max),
            streams: [ByteCount(.max), ByteCount(.max)])
        report.server?.platform = platform("a processor" + attack, processors: .max)
        report.server?.cpu = ProcessorUsage(
            user: .seconds(366 * 86_400), system: .seconds(366 * 86_400),
            threads: [thread("send" + attack, user: 366 * 86_400_000, system: 0, elapsed: 0, lookout: .max)])
        report.warnings = [TestWarning(code: "peer\u{1B}", message: "the server says: " + attack)]
        report.failure = TestFailure(.refused, attack + "too busy\u{2028}try later")
        return report
    }

    // MARK: - Their parts

    static func base(_ parameters: TestParameters) -> TestReport {
        var client = EndReport(software: "qrate/0.1.0", address: "198.51.100.4:40022")
        client.settings.congestionController = "cubic"
        client.settings.maxUDPPayload = 1444
        client.settings.segmentationOffload = true
        client.settings.receiveOffload = true
        client.settings.sendBuffer = 425_984
        client.settings.receiveBuffer = 425_984
        client.settings.explicitCongestionNotification = true
        var server = EndReport(software: "qrate/0.1.0", host: "paris.example.net", address: "192.0.2.7:5201")
        server.settings = client.settings
        return TestReport(
            id: "5b0f8e5c-3d5a-4f0e-9a53-0e6a3d1b7c11", startedAt: 1_795_216_699.5, parameters: parameters,
            client: client, server: server, handshake: HandshakeReport(duration: .microseconds(43_012)),
            security: SecurityReport(
                protocolVersion: "TLS 1.3", cipher: "AES-128-GCM", applicationProtocol: "qrate/1",
                verification: .known(since: "2026-11-20"),
                fingerprint: "9f3c5b8e1d7a40f2c6e9b0a7d4138f5e2b6c9d0e7f1a3b5c8d2e4f60718293d2"))
    }

    static func row(
        _ start: Int64, _ end: Int64, _ upload: ByteCount? = nil, download: ByteCount? = nil, isWarmUp: Bool = false,
        streams: [ByteCount] = [], datagrams: DatagramReport? = nil, path: PathReport? = nil
    ) -> IntervalReport {
        IntervalReport(
            upload == nil ? .download : .upload, start: .milliseconds(start), end: .milliseconds(end),
            isWarmUp: isWarmUp, bytesReceived: upload ?? download ?? .zero, streams: streams, datagrams: datagrams,
            path: path)
    }

    static func platform(_ processor: String, processors: Int) -> Platform {
        var platform = Platform()
        platform.build = "release"
        platform.ngtcp2 = "0.12.1"
        platform.gnutls = "3.7.9"
        platform.kernel = "Linux 6.1.0-18-amd64"
        platform.architecture = "x86_64"
        platform.processor = processor
        platform.processorCount = processors
        return platform
    }

    /// All in milliseconds.
    static func thread(
        _ name: String = "endpoint 1", user: Int64, system: Int64, elapsed: Int64, lookout: Int64 = 0,
        isShared: Bool = false
    ) -> ThreadUsage {
        ThreadUsage(
            name: name, user: .milliseconds(user), system: .milliseconds(system), elapsed: .milliseconds(elapsed),
            lookout: .milliseconds(lookout), isShared: isShared)
    }

    /// - Parameters:
    ///   - end: Milliseconds.
    ///   - rtt: Microseconds.
    static func path(
        _ role: Role = .client, end: Int64, rtt: Double, lost: UInt64, window: UInt64
    ) -> PathReport {
        var metrics = QUICPathMetrics()
        metrics.smoothedRTT = .microseconds(rtt)
        metrics.latestRTT = .microseconds(rtt)
        metrics.minRTT = .microseconds(min(rtt, 20_200))
        metrics.congestionWindow = ByteCount(window)
        metrics.streamPacketsLost = lost
        metrics.datagramsSent = 231_000
        return PathReport(observedBy: role, start: .zero, end: .milliseconds(end), metrics: .quic(metrics))
    }
}
