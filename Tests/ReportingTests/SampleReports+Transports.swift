import QrateMeasurement

/// The reports of the other transports, and of what only they can do.
extension SampleReports {
    /// The server's thread worked for somebody else's test as well, one of two.
    static var sharedThread: TestReport {
        var report = downloadOfFourStreams
        report.parameters.settings.connections = 2
        report.client.cpu = ProcessorUsage([
            thread("endpoint 1", user: 35, system: 40, elapsed: 2530),
            thread("endpoint 2", user: 31, system: 29, elapsed: 2530),
        ])
        report.server?.cpu = ProcessorUsage([
            thread("endpoint 1", user: 90, system: 150, elapsed: 2531, isShared: true),
            thread("endpoint 2", user: 20, system: 30, elapsed: 2531),
        ])
        return report
    }

    static var tcpUpload: TestReport {
        var parameters = TestParameters(transport: .tcp, streams: 2, limit: .duration(.seconds(2)))
        parameters.targetBitrate = Bitrate(bitsPerSecond: 900_000_000)
        parameters.settings.congestionController = "cubic"
        parameters.settings.window = 4_194_304
        parameters.settings.typeOfService = 184
        parameters.settings.skipsReceiveCopy = true
        parameters.settings.maxSegmentSize = 1448
        parameters.settings.usesZeroCopy = true
        parameters.settings.sendsWithoutDelay = true
        var report = bare(parameters)
        report.client.settings.pacingBurst = 65_536
        report.client.settings.usesZeroCopy = true
        report.client.settings.sendsWithoutDelay = true
        report.client.settings.typeOfService = 184
        report.server?.settings.skipsReceiveCopy = true
        report.intervals = [
            row(
                0, 1000, 97_400_000, streams: [50_000_000, 47_400_000],
                path: tcpPath(end: 1000, rtt: 24_100, retransmissions: 37, window: 2_900_000)),
            row(
                1000, 2000, 116_900_000, streams: [60_000_000, 56_900_000],
                path: tcpPath(end: 2001, rtt: 26_800, retransmissions: 0, window: 3_100_000)),
        ]
        report.upload = DirectionSummary(
            bytesReceived: 214_300_000, duration: .seconds(2), drainedBytes: 1_000_000, bytesSent: 215_300_000,
            streams: [110_000_000, 104_300_000], isComplete: true)
        report.uploadPath = tcpPath(end: 2030, rtt: 26_800, retransmissions: 37, window: 3_100_000)
        return report
    }

    static var tlsDownload: TestReport {
        var parameters = TestParameters(
            transport: .tls, direction: .download, limit: .duration(.seconds(1)), warmUp: .milliseconds(500))
        parameters.settings.cipher = .aes256gcm
        var report = bare(parameters)
        report.security = SampleReports.upload.security
        report.security?.cipher = "AES-256-GCM"
        report.security?.aead = "libipsec-mb"
        report.client.settings.aead = "libipsec-mb"
        report.server?.settings.aead = "gnutls"
        report.intervals = [
            row(
                0, 500, download: 30_000_000, isWarmUp: true, streams: [30_000_000],
                path: tcpPath(.server, end: 499, rtt: 22_000, retransmissions: 3, window: 900_000)),
            row(
                500, 1500, download: 100_000_000, streams: [100_000_000],
                path: tcpPath(.server, end: 1501, rtt: 24_100, retransmissions: 0, window: 1_200_000)),
        ]
        report.download = DirectionSummary(
            bytesReceived: 100_000_000, duration: .seconds(1), warmUpBytes: 30_000_000, bytesSent: 130_000_000,
            streams: [100_000_000], isComplete: true)
        report.downloadPath = tcpPath(.server, end: 1530, rtt: 24_100, retransmissions: 3, window: 1_200_000)
        return report
    }

    /// Loss of the network and of the receiver, one of them taken back, everything told apart.
    static var udpUpload: TestReport {
        var parameters = TestParameters(transport: .udp, limit: .duration(.seconds(2)))
        parameters.targetBitrate = Bitrate(bitsPerSecond: 100_000_000)
        parameters.payload = .zeros
        var report = bare(parameters)
        report.client.settings = datagramSettings
        report.server?.settings = datagramSettings
        report.server?.settings.receiveBuffer = 425_984
        var first = DatagramReport(received: 8_900, lost: 29, duplicates: 2, reordered: 7)
        first.jitter = .microseconds(85)
        var second = DatagramReport(received: 8_932, lost: -3, reordered: 3)
        second.jitter = .microseconds(91)
        report.intervals = [
            row(0, 1000, 12_460_000, streams: [12_460_000], datagrams: first, path: udpPath(end: 1000, sent: 8_929)),
            row(
                1000, 2000, 12_504_800, streams: [12_504_800], datagrams: second, path: udpPath(end: 2000, sent: 8_929)),
        ]
        var total = DatagramReport(received: 17_832, lost: 26, duplicates: 2, reordered: 10)
        total.jitter = .microseconds(91)
        total.maxJitter = .microseconds(412)
        total.delayVariation = DelayVariation(
            median: .microseconds(31), percentile95: .microseconds(180), percentile99: .microseconds(290),
            maximum: .milliseconds(2))
        total.receiveBufferDrops = 4
        report.upload = DirectionSummary(
            bytesReceived: 24_964_800, duration: .seconds(2), bytesSent: 25_001_200, streams: [24_964_800],
            isComplete: true, datagrams: total)
        report.uploadPath = udpPath(end: 2000, sent: 17_858, drops: 5)
        return report
    }

    static var udpBidirectional: TestReport {
        var parameters = TestParameters(transport: .udp, direction: .bidirectional, limit: .duration(.seconds(1)))
        parameters.targetBitrate = Bitrate(bitsPerSecond: 50_000_000)
        var report = bare(parameters)
        report.client.settings = datagramSettings
        report.server?.settings = datagramSettings
        var up = DatagramReport(received: 4_464)
        up.jitter = .microseconds(12)
        var down = DatagramReport(received: 4_000, lost: 464)
        down.jitter = .microseconds(990)
        down.receiveBufferDrops = 0
        report.intervals = [
            row(0, 1000, 6_249_600, streams: [6_249_600], datagrams: up, path: udpPath(end: 1000, sent: 4_464)),
            row(
                0, 1001, download: 5_600_000, streams: [5_600_000], datagrams: down,
                path: udpPath(.server, end: 1000, sent: 4_464)),
        ]
        report.upload = DirectionSummary(
            bytesReceived: 6_249_600, duration: .seconds(1), bytesSent: 6_249_600, streams: [6_249_600],
            isComplete: true, datagrams: up)
        report.download = DirectionSummary(
            bytesReceived: 5_600_000, duration: .milliseconds(1001), bytesSent: 6_249_600, streams: [5_600_000],
            isComplete: true, datagrams: down)
        report.uploadPath = udpPath(end: 1000, sent: 4_464)
        report.downloadPath = udpPath(.server, end: 1000, sent: 4_464)
        return report
    }

    static var quicDatagrams: TestReport {
        var parameters = TestParameters(streams: 4, limit: .duration(.seconds(1)))
        parameters.settings.usesDatagrams = true
        parameters.settings.connections = 2
        parameters.settings.payloadUnit = 1200
        parameters.settings.maxDatagram = .bytes(1350)
        parameters.settings.window = 16_777_216
        var report = base(parameters)
        report.client.settings.payloadUnit = 1200
        report.client.settings.maxUDPPayload = 1350
        report.server?.settings.flowControlWindow = 16_777_216
        var counted = DatagramReport(received: 80_000, lost: 4)
        counted.jitter = .microseconds(44)
        report.intervals = [
            row(
                0, 1000, 96_000_000, streams: [24_000_000, 24_000_000, 24_000_000, 24_000_000], datagrams: counted,
                path: path(end: 1000, rtt: 24_100, lost: 0, window: 2_900_000))
        ]
        report.upload = DirectionSummary(
            bytesReceived: 96_000_000, duration: .seconds(1), bytesSent: 96_004_800,
            streams: [24_000_000, 24_000_000, 24_000_000, 24_000_000], isComplete: true, datagrams: counted)
        report.uploadPath = path(end: 1003, rtt: 24_100, lost: 0, window: 2_900_000)
        return report
    }

    /// A mean far from what the rate came to, at two levels, through sockets without room and with one offload less.
    static var slowRise: TestReport {
        var report = upload
        report.upload?.steadyState = SteadyState(
            timeTo90Percent: .microseconds(1_312_500), plateau: Bitrate(bitsPerSecond: 941_000_000),
            deviation: Bitrate(bitsPerSecond: 12_300_000), slice: .milliseconds(100),
            twoRates: TwoRates(
                low: Bitrate(bitsPerSecond: 610_000_000), high: Bitrate(bitsPerSecond: 941_000_000), lowShare: 0.3))
        report.upload?.receiveBufferDrops = 12
        report.client.settings.offloadFallbacks = []
        report.server?.settings.receiveOffload = false
        report.server?.settings.offloadFallbacks = [.receiveUnavailable]
        report.server?.settings.socketBufferAsked = 8_388_608
        if case .quic(var metrics)? = report.uploadPath?.metrics {
            metrics.sendDrops = 3
            report.uploadPath?.metrics = .quic(metrics)
        }
        return report
    }

    /// A test that only Ctrl-C ends.
    static var endless: TestReport {
        var report = interrupted
        report.parameters.limit = .endless
        report.warnings = []
        return report
    }

    static var probeMTU: TestReport {
        var parameters = TestParameters(transport: .udp, limit: .duration(.seconds(60)))
        parameters.settings.probesPathMTU = true
        parameters.targetBitrate = Bitrate(bitsPerSecond: 1_000_000_000)
        var report = bare(parameters)
        report.client.settings = EffectiveSettings()
        report.client.settings.segmentationOffload = true
        report.server?.settings = EffectiveSettings()
        report.pathMTU = PathMTUReport(upload: .init(maxUDPPayload: 1472, pathMTU: 1500))
        return report
    }

    /// The search ended, and nobody knows what it found.
    static var probeMTUNothing: TestReport {
        var report = probeMTU
        report.pathMTU = nil
        return report
    }

    // MARK: - Their parts

    /// Without what protects a connection.
    private static func bare(_ parameters: TestParameters) -> TestReport {
        var report = base(parameters)
        report.security = nil
        var settings = EffectiveSettings()
        settings.congestionController = "cubic"
        settings.payloadUnit = 131_072
        settings.maxSegmentSize = 1448
        settings.sendBuffer = 8_388_608
        settings.receiveBuffer = 8_388_608
        report.client.settings = settings
        report.server?.settings = settings
        return report
    }

    private static var datagramSettings: EffectiveSettings {
        var settings = EffectiveSettings()
        settings.payloadUnit = 1400
        settings.maxUDPPayload = 1400
        settings.segmentationOffload = true
        settings.receiveOffload = true
        settings.pacingBurst = 14_000
        return settings
    }

    private static func tcpPath(
        _ role: Role = .client, end: Int64, rtt: Double, retransmissions: UInt64, window: UInt64
    ) -> PathReport {
        var metrics = TCPPathMetrics()
        metrics.smoothedRTT = .microseconds(rtt)
        metrics.rttVariation = .microseconds(1_200)
        metrics.minRTT = .microseconds(20_200)
        metrics.congestionWindow = ByteCount(window)
        metrics.retransmissions = retransmissions
        metrics.deliveryRate = Bitrate(bitsPerSecond: 930_000_000)
        metrics.busyTime = .milliseconds(end)
        metrics.receiveWindowLimitedTime = .milliseconds(end / 8)
        metrics.sendBufferLimitedTime = .zero
        metrics.maxSegmentSize = 1448
        metrics.bytesAcknowledged = 97_000_000
        return PathReport(observedBy: role, start: .zero, end: .milliseconds(end), metrics: .tcp(metrics))
    }

    private static func udpPath(_ role: Role = .client, end: Int64, sent: UInt64, drops: UInt64 = 0) -> PathReport {
        var metrics = UDPPathMetrics()
        metrics.datagramsSent = sent
        metrics.sendDrops = drops
        metrics.reportedReceived = sent - 20
        metrics.reportedLost = 20
        return PathReport(observedBy: role, start: .zero, end: .milliseconds(end), metrics: .udp(metrics))
    }
}
