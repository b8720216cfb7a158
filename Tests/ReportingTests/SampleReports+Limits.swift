import QrateMeasurement

/// Reports whose senders say what their time went to.
extension SampleReports {
    /// A window that the receiver doesn't open far enough one way; a processor that has no more to give the other way.
    static var limited: TestReport {
        var parameters = TestParameters(transport: .tls, direction: .bidirectional, limit: .duration(.seconds(2)))
        parameters.settings.window = 1_048_576
        var report = base(parameters)
        report.client.settings = EffectiveSettings()
        report.server?.settings = EffectiveSettings()
        report.intervals = [
            row(0, 2000, 10_485_760, streams: [10_485_760], path: path(.client, end: 1998, window: 900, cpu: 30)),
            row(0, 2000, download: 9_800_000, streams: [9_800_000]),
        ]
        report.upload = DirectionSummary(
            bytesReceived: 10_485_760, duration: .seconds(2), bytesSent: 10_485_760, streams: [10_485_760],
            isComplete: true)
        report.download = DirectionSummary(
            bytesReceived: 9_800_000, duration: .seconds(2), bytesSent: 9_800_000, streams: [9_800_000],
            isComplete: true)
        report.uploadPath = path(.client, end: 2049, window: 900, cpu: 30)
        report.downloadPath = path(.server, end: 2049, window: 20, cpu: 950)
        return report
    }

    /// - Parameters:
    ///   - end: Milliseconds.
    ///   - window: Thousandths of it in which the receiver's window held the sender up.
    ///   - cpu: Thousandths in which nothing did. One is idle, what remains is the congestion window's.
    private static func path(_ role: Role, end: Int64, window: Int64, cpu: Int64) -> PathReport {
        var metrics = TCPPathMetrics()
        metrics.smoothedRTT = .milliseconds(200)
        metrics.minRTT = .milliseconds(199)
        metrics.retransmissions = 0
        metrics.busyTime = .milliseconds(end)
        metrics.receiveWindowLimitedTime = .microseconds(end * window)
        metrics.sendBufferLimitedTime = .zero
        var report = PathReport(observedBy: role, start: .zero, end: .milliseconds(end), metrics: .tcp(metrics))
        report.limits = LimitShares([
            .congestionWindow: .microseconds(end * (999 - window - cpu)), .flowControl: .microseconds(end * window),
            .socketBuffer: .zero, .targetBitrate: .zero, .cpu: .microseconds(end * cpu), .idle: .microseconds(end),
        ])
        return report
    }
}
