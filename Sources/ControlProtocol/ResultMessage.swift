/// The server's last message: xfr's result object, with qrate's additions.
package struct ResultMessage: Sendable, Equatable, Codable {
    package var id: String
    /// What the server sent and received, all streams.
    package var bytesTotal: UInt64
    package var durationMilliseconds: UInt64
    package var throughputMbps: Double
    package var streams: [StreamResult]
    package var tcpInfo: TCPInfo?
    package var udpStatistics: UDPStatistics?
    /// Both directions of a bidirectional test, in the client's view: what it sent is what the server received.
    package var bytesSent: UInt64?
    package var bytesReceived: UInt64?
    package var sendThroughputMbps: Double?
    package var receiveThroughputMbps: Double?
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id
        case bytesTotal = "bytes_total"
        case durationMilliseconds = "duration_ms"
        case throughputMbps = "throughput_mbps"
        case streams
        case tcpInfo = "tcp_info"
        case udpStatistics = "udp_stats"
        case bytesSent = "bytes_sent"
        case bytesReceived = "bytes_received"
        case sendThroughputMbps = "throughput_send_mbps"
        case receiveThroughputMbps = "throughput_recv_mbps"
        case qrate
    }

    package struct StreamResult: Sendable, Equatable, Codable {
        /// xfr's stream index: ours minus 1.
        package var id: UInt8
        package var bytes: UInt64
        package var throughputMbps: Double
        package var retransmits: UInt64?
        package var jitterMilliseconds: Double?
        package var lost: UInt64?

        enum CodingKeys: String, CodingKey {
            case id, bytes
            case throughputMbps = "throughput_mbps"
            case retransmits
            case jitterMilliseconds = "jitter_ms"
            case lost
        }

        package init(id: UInt8, bytes: UInt64, throughputMbps: Double, retransmits: UInt64? = nil) {
            self.id = id
            self.bytes = bytes
            self.throughputMbps = throughputMbps
            self.retransmits = retransmits
        }
    }

    /// The server's kernel about its TCP connections: times are means, the window is the sum, in segments.
    package struct TCPInfo: Sendable, Equatable, Codable {
        package var retransmits: UInt64
        package var rttMicroseconds: UInt32
        package var rttVariationMicroseconds: UInt32
        package var congestionWindow: UInt32
        package var bytesAcknowledged: UInt64?

        enum CodingKeys: String, CodingKey {
            case retransmits
            case rttMicroseconds = "rtt_us"
            case rttVariationMicroseconds = "rtt_var_us"
            case congestionWindow = "cwnd"
            case bytesAcknowledged = "bytes_acked"
        }

        package init(
            retransmits: UInt64, rttMicroseconds: UInt32, rttVariationMicroseconds: UInt32, congestionWindow: UInt32,
            bytesAcknowledged: UInt64? = nil
        ) {
            self.retransmits = retransmits
            self.rttMicroseconds = rttMicroseconds
            self.rttVariationMicroseconds = rttVariationMicroseconds
            self.congestionWindow = congestionWindow
            self.bytesAcknowledged = bytesAcknowledged
        }
    }

    /// What the server counted of the datagrams that it received.
    package struct UDPStatistics: Sendable, Equatable, Codable {
        package var packetsSent: UInt64
        package var packetsReceived: UInt64
        package var lost: UInt64
        package var lostPercent: Double
        package var jitterMilliseconds: Double
        package var outOfOrder: UInt64
        package var maxJitterMilliseconds: Double?
        package var packetSize: UInt32?

        enum CodingKeys: String, CodingKey {
            case packetsSent = "packets_sent"
            case packetsReceived = "packets_received"
            case lost
            case lostPercent = "lost_percent"
            case jitterMilliseconds = "jitter_ms"
            case outOfOrder = "out_of_order"
            case maxJitterMilliseconds = "jitter_max_ms"
            case packetSize = "packet_size"
        }

        package init(
            packetsSent: UInt64, packetsReceived: UInt64, lost: UInt64, lostPercent: Double,
            jitterMilliseconds: Double, outOfOrder: UInt64, maxJitterMilliseconds: Double? = nil,
            packetSize: UInt32? = nil
        ) {
            self.packetsSent = packetsSent
            self.packetsReceived = packetsReceived
            self.lost = lost
            self.lostPercent = lostPercent
            self.jitterMilliseconds = jitterMilliseconds
            self.outOfOrder = outOfOrder
            self.maxJitterMilliseconds = maxJitterMilliseconds
            self.packetSize = packetSize
        }
    }

    /// What qrate servers add.
    package struct Extension: Sendable, Equatable, Codable {
        /// The server's counts as receiver; present in an upload and in a bidirectional test.
        package var upload: WireTotals?
        /// Payload that the server handed to its stack; present in a download and in a bidirectional test.
        package var bytesSent: UInt64?
        /// The server's view of the path over the whole test.
        package var path: WirePath?
        package var settings: WireSettings?
        /// What the server's data-path threads used.
        package var cpu: WireProcessorUsage?
        /// Why the test ended before its planned end, a `TestFailure.Kind` by its raw value; absent otherwise.
        package var endedEarly: String?
        /// By how much the server's wall clock was set while the test ran, forward or back; absent when that isn't known.
        package var clockStepMilliseconds: Double?

        enum CodingKeys: String, CodingKey {
            case upload
            case bytesSent = "bytes_sent"
            case path, settings, cpu
            case endedEarly = "ended_early"
            case clockStepMilliseconds = "clock_step_ms"
        }

        package init(
            upload: WireTotals? = nil, bytesSent: UInt64? = nil, path: WirePath? = nil, settings: WireSettings? = nil,
            cpu: WireProcessorUsage? = nil, endedEarly: String? = nil
        ) {
            self.upload = upload
            self.bytesSent = bytesSent
            self.path = path
            self.settings = settings
            self.cpu = cpu
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
