/// The server's last message: xfr's result object, with qrate's additions.
package struct ResultMessage: Sendable, Equatable, Codable {
    package var id: String
    /// What the server sent and received, all streams.
    package var bytesTotal: UInt64
    package var durationMilliseconds: UInt64
    package var throughputMbps: Double
    package var streams: [StreamResult]
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id, streams, qrate
        case bytesTotal = "bytes_total"
        case durationMilliseconds = "duration_ms"
        case throughputMbps = "throughput_mbps"
    }

    package struct StreamResult: Sendable, Equatable, Codable {
        /// xfr's stream index: ours minus 1.
        package var id: UInt8
        package var bytes: UInt64
        package var throughputMbps: Double

        enum CodingKeys: String, CodingKey {
            case id, bytes
            case throughputMbps = "throughput_mbps"
        }

        package init(id: UInt8, bytes: UInt64, throughputMbps: Double) {
            self.id = id
            self.bytes = bytes
            self.throughputMbps = throughputMbps
        }
    }

    /// What qrate servers add.
    package struct Extension: Sendable, Equatable, Codable {
        /// The server's counts as receiver; present in an upload.
        package var upload: WireTotals?
        /// Payload that the server handed to its stack; present in a download.
        package var bytesSent: UInt64?
        /// The server's view of the path over the whole test.
        package var path: WirePath?
        package var settings: WireSettings?
        /// Why the test ended before its planned end, a `TestFailure.Kind` by its raw value; absent otherwise.
        package var endedEarly: String?

        enum CodingKeys: String, CodingKey {
            case upload, path, settings
            case bytesSent = "bytes_sent"
            case endedEarly = "ended_early"
        }

        package init(
            upload: WireTotals? = nil, bytesSent: UInt64? = nil, path: WirePath? = nil, settings: WireSettings? = nil,
            endedEarly: String? = nil
        ) {
            self.upload = upload
            self.bytesSent = bytesSent
            self.path = path
            self.settings = settings
            self.endedEarly = endedEarly
        }
    }

    package init(
        id: String, bytesTotal: UInt64, durationMilliseconds: UInt64, throughputMbps: Double, streams: [StreamResult],
        qrate: Extension? = nil
    ) {
        self.id = id
        self.bytesTotal = bytesTotal
        self.durationMilliseconds = durationMilliseconds
        self.throughputMbps = throughputMbps
        self.streams = streams
        self.qrate = qrate
    }
}

/// A receiver's totals on the wire.
package struct WireTotals: Sendable, Equatable, Codable {
    /// Inside the measured window.
    package var bytesReceived: UInt64
    package var warmUpBytes: UInt64
    package var drainedBytes: UInt64
    /// The measured window's length on the receiver's clock; absent when no payload arrived.
    package var durationMilliseconds: Double?
    /// Per stream 1...N, inside the measured window; left out when the line would grow past its limit.
    package var streams: [UInt64]?
    /// Every stream was ended by its sender, so nothing is missing.
    package var isComplete: Bool

    enum CodingKeys: String, CodingKey {
        case streams
        case bytesReceived = "bytes_received"
        case warmUpBytes = "warm_up_bytes"
        case drainedBytes = "drained_bytes"
        case durationMilliseconds = "duration_ms"
        case isComplete = "complete"
    }

    package init(
        bytesReceived: UInt64, warmUpBytes: UInt64, drainedBytes: UInt64, durationMilliseconds: Double?,
        streams: [UInt64]?, isComplete: Bool
    ) {
        self.bytesReceived = bytesReceived
        self.warmUpBytes = warmUpBytes
        self.drainedBytes = drainedBytes
        self.durationMilliseconds = durationMilliseconds
        self.streams = streams
        self.isComplete = isComplete
    }
}

/// ``QrateMeasurement/PathReport`` on the wire: QUIC's metrics. Absent is "not measured".
package struct WirePath: Sendable, Equatable, Codable {
    package var startMilliseconds: Double
    package var endMilliseconds: Double
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
    package var maxUDPPayload: UInt64?

    enum CodingKeys: String, CodingKey {
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

    package init(startMilliseconds: Double, endMilliseconds: Double) {
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
    }
}

/// ``QrateMeasurement/EffectiveSettings`` on the wire.
package struct WireSettings: Sendable, Equatable, Codable {
    package var congestionController: String?
    package var maxUDPPayload: UInt64?
    package var segmentationOffload: Bool?
    package var receiveOffload: Bool?
    package var sendBuffer: UInt64?
    package var receiveBuffer: UInt64?
    package var ecn: Bool?

    enum CodingKeys: String, CodingKey {
        case ecn
        case congestionController = "congestion"
        case maxUDPPayload = "max_udp_payload_bytes"
        case segmentationOffload = "segmentation_offload"
        case receiveOffload = "receive_offload"
        case sendBuffer = "send_buffer_bytes"
        case receiveBuffer = "receive_buffer_bytes"
    }

    package init() {}
}
