/// ``QrateMeasurement/PathReport`` on the wire: the bounds, and the object of the transport that moved the payload.
package struct WirePath: Sendable, Equatable, Codable {
    package var startMilliseconds: Double
    package var endMilliseconds: Double
    /// One of the three. With none of them (a transport that we don't know), the path says nothing.
    package var quic: QUIC?
    package var tcp: TCP?
    package var udp: UDP?
    package var limits: WireLimits?

    enum CodingKeys: String, CodingKey {
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case quic, tcp, udp, limits
    }

    package init(startMilliseconds: Double, endMilliseconds: Double, quic: QUIC? = nil) {
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.quic = quic
    }

    /// ``QrateMeasurement/QUICPathMetrics``. Absent is "not measured".
    package struct QUIC: Sendable, Equatable, Codable {
        package var smoothedRTT: Double?
        package var latestRTT: Double?
        package var minRTT: Double?
        package var rttVariation: Double?
        package var congestionWindow: UInt64?
        package var bytesInFlight: UInt64?
        package var slowStartThreshold: UInt64?
        package var streamPacketsLost: UInt64?
        package var datagramsSent: UInt64?
        package var datagramsReceived: UInt64?
        package var sendCalls: UInt64?
        package var sendDrops: UInt64?
        package var maxUDPPayload: UInt64?
        package var connectionCredit: UInt64?
        package var streamCredit: UInt64?
        package var packets: WireQUICPackets?

        enum CodingKeys: String, CodingKey {
            case packets
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
            case maxUDPPayload = "max_udp_payload_bytes"
            case connectionCredit = "connection_credit_bytes"
            case streamCredit = "stream_credit_bytes"
        }

        package init() {}
    }

    /// ``QrateMeasurement/TCPPathMetrics``. Absent is "not told by that kernel".
    package struct TCP: Sendable, Equatable, Codable {
        package var smoothedRTT: Double?
        package var rttVariation: Double?
        package var minRTT: Double?
        package var congestionWindow: UInt64?
        package var retransmissions: UInt64?
        package var deliveryRate: UInt64?
        package var pacingRate: UInt64?
        package var busyTime: Double?
        package var receiveWindowLimitedTime: Double?
        package var sendBufferLimitedTime: Double?
        package var maxSegmentSize: UInt64?
        package var bytesAcknowledged: UInt64?

        enum CodingKeys: String, CodingKey {
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

        package init() {}
    }

    /// ``QrateMeasurement/UDPPathMetrics``.
    package struct UDP: Sendable, Equatable, Codable {
        package var datagramsSent: UInt64?
        package var sendDrops: UInt64?
        package var reportedReceived: UInt64?
        package var reportedLost: UInt64?

        enum CodingKeys: String, CodingKey {
            case datagramsSent = "datagrams_sent"
            case sendDrops = "send_drops"
            case reportedReceived = "reported_received"
            case reportedLost = "reported_lost"
        }

        package init() {}
    }
}
