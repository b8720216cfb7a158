/// The server's periodic message.
package struct IntervalMessage: Sendable, Equatable, Codable {
    package var id: String
    package var elapsedMilliseconds: UInt64
    package var streams: [StreamProgress]
    package var aggregate: Aggregate
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id
        case elapsedMilliseconds = "elapsed_ms"
        case streams, aggregate, qrate
    }

    /// One data stream since the previous interval. What is optional was not measured when it is absent.
    package struct StreamProgress: Sendable, Equatable, Codable {
        /// xfr's stream index: ours minus 1.
        package var id: UInt8
        /// What the server sent and received.
        package var bytes: UInt64
        package var retransmits: UInt64?
        package var jitterMilliseconds: Double?
        package var lost: UInt64?
        package var error: String?
        package var rttMicroseconds: UInt32?
        /// In segments, as Linux counts it.
        package var congestionWindow: UInt32?

        enum CodingKeys: String, CodingKey {
            case id, bytes, retransmits
            case jitterMilliseconds = "jitter_ms"
            case lost, error
            case rttMicroseconds = "rtt_us"
            case congestionWindow = "cwnd"
        }

        package init(id: UInt8, bytes: UInt64) {
            self.id = id
            self.bytes = bytes
        }
    }

    /// All streams together, since the previous interval.
    package struct Aggregate: Sendable, Equatable, Codable {
        package var bytes: UInt64
        package var throughputMbps: Double
        package var retransmits: UInt64?
        package var jitterMilliseconds: Double?
        package var lost: UInt64?
        package var udpProgress: UDPProgress?
        package var rttMicroseconds: UInt32?
        package var congestionWindow: UInt32?
        /// Both directions of a bidirectional test, in the client's view: what it sent is what the server received.
        package var bytesSent: UInt64?
        package var bytesReceived: UInt64?
        package var sendThroughputMbps: Double?
        package var receiveThroughputMbps: Double?

        enum CodingKeys: String, CodingKey {
            case bytes
            case throughputMbps = "throughput_mbps"
            case retransmits
            case jitterMilliseconds = "jitter_ms"
            case lost
            case udpProgress = "udp_progress"
            case rttMicroseconds = "rtt_us"
            case congestionWindow = "cwnd"
            case bytesSent = "bytes_sent"
            case bytesReceived = "bytes_received"
            case sendThroughputMbps = "throughput_send_mbps"
            case receiveThroughputMbps = "throughput_recv_mbps"
        }

        package init(bytes: UInt64, throughputMbps: Double) {
            self.bytes = bytes
            self.throughputMbps = throughputMbps
        }
    }

    /// Datagrams at the receiving server since the test began.
    package struct UDPProgress: Sendable, Equatable, Codable {
        package var packetsReceived: UInt64
        package var packetsLost: UInt64

        enum CodingKeys: String, CodingKey {
            case packetsReceived = "packets_received"
            case packetsLost = "packets_lost"
        }

        package init(packetsReceived: UInt64, packetsLost: UInt64) {
            self.packetsReceived = packetsReceived
            self.packetsLost = packetsLost
        }
    }

    /// What qrate servers add: the receiver's row with its true bounds, the sender's view of the path.
    package struct Extension: Sendable, Equatable, Codable {
        /// A row of what the server received.
        package var upload: WireRow?
        /// The server's view of the path; present when the server sends.
        package var path: WirePath?

        package init(upload: WireRow? = nil, path: WirePath? = nil) {
            self.upload = upload
            self.path = path
        }
    }

    package init(
        id: String, elapsedMilliseconds: UInt64, streams: [StreamProgress], aggregate: Aggregate,
        qrate: Extension? = nil
    ) {
        self.id = id
        self.elapsedMilliseconds = elapsedMilliseconds
        self.streams = streams
        self.aggregate = aggregate
        self.qrate = qrate
    }
}

/// Client to server, only between qrate peers: what the receiving client counted. Cumulative, so that a lost or late
/// one costs nothing; the last one has `is_final` and the totals.
package struct ReportMessage: Sendable, Equatable, Codable {
    package var id: String
    /// Time since the client's first payload byte.
    package var elapsedMilliseconds: Double
    /// Payload received until then, warm-up and drain included.
    package var bytesReceived: UInt64
    package var isFinal: Bool
    /// Present in the final report.
    package var totals: WireTotals?

    enum CodingKeys: String, CodingKey {
        case id
        case elapsedMilliseconds = "elapsed_ms"
        case bytesReceived = "bytes_received"
        case isFinal = "is_final"
        case totals
    }

    package init(
        id: String, elapsedMilliseconds: Double, bytesReceived: UInt64, isFinal: Bool, totals: WireTotals? = nil
    ) {
        self.id = id
        self.elapsedMilliseconds = elapsedMilliseconds
        self.bytesReceived = bytesReceived
        self.isFinal = isFinal
        self.totals = totals
    }
}
