package import QrateMeasurement

extension WirePath {
    package init(_ report: PathReport) {
        self.init(startMilliseconds: report.start.milliseconds, endMilliseconds: report.end.milliseconds)
        switch report.metrics {
        case .quic(let metrics):
            smoothedRTT = metrics.smoothedRTT?.microseconds
            latestRTT = metrics.latestRTT?.microseconds
            minRTT = metrics.minRTT?.microseconds
            rttVariation = metrics.rttVariation?.microseconds
            congestionWindow = metrics.congestionWindow?.bytes
            bytesInFlight = metrics.bytesInFlight?.bytes
            slowStartThreshold = metrics.slowStartThreshold?.bytes
            streamPacketsLost = metrics.streamPacketsLost
            datagramsSent = metrics.datagramsSent
            datagramsReceived = metrics.datagramsReceived
            maxUDPPayload = metrics.maxUDPPayload?.bytes
        case .tcp, .udp: break
        }
    }

    /// - Parameter observedBy: The end that sent this.
    /// - Throws: ``ControlError/invalidField(field:reason:)`` for times that are none.
    package func report(observedBy: Role) throws(ControlError) -> PathReport {
        var metrics = QUICPathMetrics()
        metrics.smoothedRTT = try Self.time(smoothedRTT, .smoothedRTT)
        metrics.latestRTT = try Self.time(latestRTT, .latestRTT)
        metrics.minRTT = try Self.time(minRTT, .minRTT)
        metrics.rttVariation = try Self.time(rttVariation, .rttVariation)
        metrics.congestionWindow = congestionWindow.map { ByteCount($0) }
        metrics.bytesInFlight = bytesInFlight.map { ByteCount($0) }
        metrics.slowStartThreshold = slowStartThreshold.map { ByteCount($0) }
        metrics.streamPacketsLost = streamPacketsLost
        metrics.datagramsSent = datagramsSent
        metrics.datagramsReceived = datagramsReceived
        metrics.maxUDPPayload = maxUDPPayload.map { ByteCount($0) }
        let start = try Duration(wireMilliseconds: startMilliseconds, field: CodingKeys.startMilliseconds.rawValue)
        let end = try Duration(wireMilliseconds: endMilliseconds, field: CodingKeys.endMilliseconds.rawValue)
        guard start <= end else { throw .invalidField(field: "end_ms", reason: "lies before start_ms") }
        return PathReport(observedBy: observedBy, start: start, end: end, metrics: .quic(metrics))
    }

    private static func time(_ microseconds: Double?, _ key: CodingKeys) throws(ControlError) -> Duration? {
        guard let microseconds else { return nil }
        return try Duration(wireMicroseconds: microseconds, field: key.rawValue)
    }

    func check() throws(ControlError) { _ = try report(observedBy: .server) }
}
