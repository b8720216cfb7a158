package import QrateMeasurement

extension WirePath {
    package init(_ report: PathReport) {
        self.init(startMilliseconds: report.start.milliseconds, endMilliseconds: report.end.milliseconds)
        switch report.metrics {
        case .quic(let metrics): quic = QUIC(metrics)
        case .tcp(let metrics): tcp = TCP(metrics)
        case .udp(let metrics): udp = UDP(metrics)
        }
        limits = report.limits.map { WireLimits($0) }
    }

    /// - Parameter observedBy: The end that sent this.
    /// - Returns: nil when the object is of a transport that we don't know.
    /// - Throws: ``ControlError/invalidField(field:reason:)`` for times that are none.
    package func report(observedBy: Role) throws(ControlError) -> PathReport? {
        let start = try Duration(wireMilliseconds: startMilliseconds, field: CodingKeys.startMilliseconds.rawValue)
        let end = try Duration(wireMilliseconds: endMilliseconds, field: CodingKeys.endMilliseconds.rawValue)
        guard start <= end else { throw .invalidField(field: "end_ms", reason: "lies before start_ms") }
        let metrics: PathMetrics
        if let quic {
            metrics = .quic(try quic.metrics())
        } else if let tcp {
            metrics = .tcp(try tcp.metrics())
        } else if let udp {
            metrics = .udp(udp.metrics)
        } else {
            return nil
        }
        return PathReport(
            observedBy: observedBy, start: start, end: end, metrics: metrics, limits: try limits?.shares())
    }

    func check() throws(ControlError) { _ = try report(observedBy: .server) }
}

extension WirePath.QUIC {
    init(_ metrics: QUICPathMetrics) {
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
        sendCalls = metrics.sendCalls
        sendDrops = metrics.sendDrops
        maxUDPPayload = metrics.maxUDPPayload?.bytes
        connectionCredit = metrics.connectionCredit?.bytes
        streamCredit = metrics.streamCredit?.bytes
        packets = metrics.packets.map { WireQUICPackets($0) }
    }

    func metrics() throws(ControlError) -> QUICPathMetrics {
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
        metrics.sendCalls = sendCalls
        metrics.sendDrops = sendDrops
        metrics.maxUDPPayload = maxUDPPayload.map { ByteCount($0) }
        metrics.connectionCredit = connectionCredit.map { ByteCount($0) }
        metrics.streamCredit = streamCredit.map { ByteCount($0) }
        metrics.packets = packets?.counts
        return metrics
    }

    private static func time(_ microseconds: Double?, _ key: CodingKeys) throws(ControlError) -> Duration? {
        guard let microseconds else { return nil }
        return try Duration(wireMicroseconds: microseconds, field: "quic.\(key.rawValue)")
    }
}

extension WirePath.TCP {
    init(_ metrics: TCPPathMetrics) {
        smoothedRTT = metrics.smoothedRTT?.microseconds
        rttVariation = metrics.rttVariation?.microseconds
        minRTT = metrics.minRTT?.microseconds
        congestionWindow = metrics.congestionWindow?.bytes
        retransmissions = metrics.retransmissions
        deliveryRate = metrics.deliveryRate?.bitsPerSecond
        pacingRate = metrics.pacingRate?.bitsPerSecond
        busyTime = metrics.busyTime?.milliseconds
        receiveWindowLimitedTime = metrics.receiveWindowLimitedTime?.milliseconds
        sendBufferLimitedTime = metrics.sendBufferLimitedTime?.milliseconds
        maxSegmentSize = metrics.maxSegmentSize?.bytes
        bytesAcknowledged = metrics.bytesAcknowledged?.bytes
    }

    func metrics() throws(ControlError) -> TCPPathMetrics {
        var metrics = TCPPathMetrics()
        metrics.smoothedRTT = try Self.roundTrip(smoothedRTT, .smoothedRTT)
        metrics.rttVariation = try Self.roundTrip(rttVariation, .rttVariation)
        metrics.minRTT = try Self.roundTrip(minRTT, .minRTT)
        metrics.congestionWindow = congestionWindow.map { ByteCount($0) }
        metrics.retransmissions = retransmissions
        metrics.deliveryRate = deliveryRate.map { Bitrate(bitsPerSecond: $0) }
        metrics.pacingRate = pacingRate.map { Bitrate(bitsPerSecond: $0) }
        metrics.busyTime = try Self.length(busyTime, .busyTime)
        metrics.receiveWindowLimitedTime = try Self.length(receiveWindowLimitedTime, .receiveWindowLimitedTime)
        metrics.sendBufferLimitedTime = try Self.length(sendBufferLimitedTime, .sendBufferLimitedTime)
        metrics.maxSegmentSize = maxSegmentSize.map { ByteCount($0) }
        metrics.bytesAcknowledged = bytesAcknowledged.map { ByteCount($0) }
        return metrics
    }

    private static func roundTrip(_ microseconds: Double?, _ key: CodingKeys) throws(ControlError) -> Duration? {
        guard let microseconds else { return nil }
        return try Duration(wireMicroseconds: microseconds, field: "tcp.\(key.rawValue)")
    }

    private static func length(_ milliseconds: Double?, _ key: CodingKeys) throws(ControlError) -> Duration? {
        guard let milliseconds else { return nil }
        return try Duration(wireMilliseconds: milliseconds, field: "tcp.\(key.rawValue)")
    }
}

extension WirePath.UDP {
    init(_ metrics: UDPPathMetrics) {
        datagramsSent = metrics.datagramsSent
        sendDrops = metrics.sendDrops
        reportedReceived = metrics.reportedReceived
        reportedLost = metrics.reportedLost
    }

    var metrics: UDPPathMetrics {
        var metrics = UDPPathMetrics()
        metrics.datagramsSent = datagramsSent
        metrics.sendDrops = sendDrops
        metrics.reportedReceived = reportedReceived
        metrics.reportedLost = reportedLost
        return metrics
    }
}
