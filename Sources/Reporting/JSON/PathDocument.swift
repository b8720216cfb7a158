import QrateMeasurement

/// What only one transport knows, under that transport's name.
struct PathDocument: Encodable {
    var quic: QUICPathDocument?
    var tcp: TCPPathDocument?
    var udp: UDPPathDocument?
    var limits: LimitsDocument?

    /// That of a direction's whole test.
    init?(_ report: TestReport, _ direction: Direction) {
        guard let path = report.path(direction) else { return nil }
        self.init(path)
        limits = LimitsDocument(report, direction)
    }

    init(_ path: PathReport) {
        limits = path.limits.flatMap { LimitsDocument($0) }
        switch path.metrics {
        case .quic(let metrics): quic = QUICPathDocument(metrics, of: path)
        case .tcp(let metrics): tcp = TCPPathDocument(metrics, of: path)
        case .udp(let metrics): udp = UDPPathDocument(metrics, of: path)
        }
    }
}

/// One end's view of a QUIC path. Counts are since `start_ms`, the rest is the state at `end_ms`; both on that end's
/// clock. The keys are those of the control protocol, here and below.
struct QUICPathDocument: Encodable {
    var observedBy: String
    var startMilliseconds: Double
    var endMilliseconds: Double
    var smoothedRTT: Double?
    var latestRTT: Double?
    var minRTT: Double?
    var rttVariation: Double?
    var congestionWindow: UInt64?
    var bytesInFlight: UInt64?
    var slowStartThreshold: UInt64?
    var streamPacketsLost: UInt64?
    var datagramsSent: UInt64?
    var datagramsReceived: UInt64?
    var sendCalls: UInt64?
    var sendDrops: UInt64?
    var datagramsPerSendCall: Double?
    var maxUDPPayload: UInt64?
    var connectionCredit: UInt64?
    var streamCredit: UInt64?
    var packets: QUICPacketsDocument?

    enum CodingKeys: String, CodingKey {
        case packets
        case observedBy = "observed_by"
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case smoothedRTT = "smoothed_rtt_us"
        case latestRTT = "latest_rtt_us"
        case minRTT = "min_rtt_us"
        case rttVariation = "rtt_variation_us"
        case congestionWindow = "congestion_window_bytes"
        case bytesInFlight = "in_flight_bytes"
        case slowStartThreshold = "slow_start_threshold_bytes"
        case streamPacketsLost = "stream_packets_lost"
        case datagramsSent = "datagrams_sent"
        case datagramsReceived = "datagrams_received"
        case sendCalls = "send_calls"
        case sendDrops = "send_drops"
        case datagramsPerSendCall = "datagrams_per_send_call"
        case maxUDPPayload = "max_udp_payload_bytes"
        case connectionCredit = "connection_credit_bytes"
        case streamCredit = "stream_credit_bytes"
    }

    init(_ metrics: QUICPathMetrics, of path: PathReport) {
        observedBy = path.observedBy.rawValue
        startMilliseconds = path.start.jsonMilliseconds
        endMilliseconds = path.end.jsonMilliseconds
        smoothedRTT = metrics.smoothedRTT?.jsonMicroseconds
        latestRTT = metrics.latestRTT?.jsonMicroseconds
        minRTT = metrics.minRTT?.jsonMicroseconds
        rttVariation = metrics.rttVariation?.jsonMicroseconds
        congestionWindow = metrics.congestionWindow?.bytes
        bytesInFlight = metrics.bytesInFlight?.bytes
        slowStartThreshold = metrics.slowStartThreshold?.bytes
        streamPacketsLost = metrics.streamPacketsLost
        datagramsSent = metrics.datagramsSent
        datagramsReceived = metrics.datagramsReceived
        sendCalls = metrics.sendCalls
        sendDrops = metrics.sendDrops
        datagramsPerSendCall = metrics.datagramsPerSendCall?.inHundredths
        maxUDPPayload = metrics.maxUDPPayload?.bytes
        connectionCredit = metrics.connectionCredit?.bytes
        streamCredit = metrics.streamCredit?.bytes
        packets = metrics.packets.map(QUICPacketsDocument.init)
    }
}

/// One end's kernel's view of its TCP connections.
struct TCPPathDocument: Encodable {
    var observedBy: String
    var startMilliseconds: Double
    var endMilliseconds: Double
    var smoothedRTT: Double?
    var rttVariation: Double?
    var minRTT: Double?
    var congestionWindow: UInt64?
    var retransmissions: UInt64?
    var deliveryRate: UInt64?
    var pacingRate: UInt64?
    var busyTime: Double?
    var receiveWindowLimitedTime: Double?
    var sendBufferLimitedTime: Double?
    var maxSegmentSize: UInt64?
    var bytesAcknowledged: UInt64?

    enum CodingKeys: String, CodingKey {
        case observedBy = "observed_by"
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case smoothedRTT = "smoothed_rtt_us"
        case rttVariation = "rtt_variation_us"
        case minRTT = "min_rtt_us"
        case congestionWindow = "congestion_window_bytes"
        case retransmissions
        case deliveryRate = "delivery_rate_bps"
        case pacingRate = "pacing_rate_bps"
        case busyTime = "busy_ms"
        case receiveWindowLimitedTime = "receive_window_limited_ms"
        case sendBufferLimitedTime = "send_buffer_limited_ms"
        case maxSegmentSize = "max_segment_bytes"
        case bytesAcknowledged = "bytes_acknowledged"
    }

    init(_ metrics: TCPPathMetrics, of path: PathReport) {
        observedBy = path.observedBy.rawValue
        startMilliseconds = path.start.jsonMilliseconds
        endMilliseconds = path.end.jsonMilliseconds
        smoothedRTT = metrics.smoothedRTT?.jsonMicroseconds
        rttVariation = metrics.rttVariation?.jsonMicroseconds
        minRTT = metrics.minRTT?.jsonMicroseconds
        congestionWindow = metrics.congestionWindow?.bytes
        retransmissions = metrics.retransmissions
        deliveryRate = metrics.deliveryRate?.bitsPerSecond
        pacingRate = metrics.pacingRate?.bitsPerSecond
        busyTime = metrics.busyTime?.jsonMilliseconds
        receiveWindowLimitedTime = metrics.receiveWindowLimitedTime?.jsonMilliseconds
        sendBufferLimitedTime = metrics.sendBufferLimitedTime?.jsonMilliseconds
        maxSegmentSize = metrics.maxSegmentSize?.bytes
        bytesAcknowledged = metrics.bytesAcknowledged?.bytes
    }
}

/// What the sender of datagrams knows.
struct UDPPathDocument: Encodable {
    var observedBy: String
    var startMilliseconds: Double
    var endMilliseconds: Double
    var datagramsSent: UInt64?
    var sendDrops: UInt64?
    var reportedReceived: UInt64?
    var reportedLost: UInt64?

    enum CodingKeys: String, CodingKey {
        case observedBy = "observed_by"
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case datagramsSent = "datagrams_sent"
        case sendDrops = "send_drops"
        case reportedReceived = "reported_received"
        case reportedLost = "reported_lost"
    }

    init(_ metrics: UDPPathMetrics, of path: PathReport) {
        observedBy = path.observedBy.rawValue
        startMilliseconds = path.start.jsonMilliseconds
        endMilliseconds = path.end.jsonMilliseconds
        datagramsSent = metrics.datagramsSent
        sendDrops = metrics.sendDrops
        reportedReceived = metrics.reportedReceived
        reportedLost = metrics.reportedLost
    }
}

/// What a search for the path MTU found.
struct PathMTUDocument: Encodable {
    var upload: Size
    var download: Size

    /// Empty where no size got through.
    struct Size: Encodable {
        var maxUDPPayload: UInt64?
        var pathMTU: UInt64?

        enum CodingKeys: String, CodingKey {
            case maxUDPPayload = "max_udp_payload_bytes"
            case pathMTU = "path_mtu_bytes"
        }

        init(_ result: PathMTUReport.Result) {
            maxUDPPayload = result.maxUDPPayload?.bytes
            pathMTU = result.pathMTU?.bytes
        }
    }

    init(_ report: PathMTUReport) {
        upload = Size(report.upload)
        download = Size(report.download)
    }
}
