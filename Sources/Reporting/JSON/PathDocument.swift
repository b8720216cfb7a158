import QrateMeasurement

/// What only one transport knows, under that transport's name.
struct PathDocument: Encodable {
    var quic: QUICPathDocument?

    init(_ path: PathReport) {
        switch path.metrics {
        case .quic(let metrics): quic = QUICPathDocument(metrics, of: path)
        case .tcp, .udp: break
        }
    }
}

/// One end's view of a QUIC path. Counts are since `start_ms`, the rest is the state at `end_ms`; both on that end's
/// clock. The keys are those of the control protocol.
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
    var maxUDPPayload: UInt64?

    enum CodingKeys: String, CodingKey {
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
        case maxUDPPayload = "max_udp_payload_bytes"
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
        maxUDPPayload = metrics.maxUDPPayload?.bytes
    }
}
