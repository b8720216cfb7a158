/// The server's periodic message.
package struct IntervalMessage: Sendable, Equatable, Codable {
    package var id: String
    package var elapsedMilliseconds: UInt64
    package var streams: [StreamProgress]
    package var aggregate: Aggregate
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id, streams, aggregate, qrate
        case elapsedMilliseconds = "elapsed_ms"
    }

    /// One data stream since the previous interval.
    package struct StreamProgress: Sendable, Equatable, Codable {
        /// xfr's stream index: ours minus 1.
        package var id: UInt8
        package var bytes: UInt64

        package init(id: UInt8, bytes: UInt64) {
            self.id = id
            self.bytes = bytes
        }
    }

    package struct Aggregate: Sendable, Equatable, Codable {
        package var bytes: UInt64
        package var throughputMbps: Double

        enum CodingKeys: String, CodingKey {
            case bytes
            case throughputMbps = "throughput_mbps"
        }

        package init(bytes: UInt64, throughputMbps: Double) {
            self.bytes = bytes
            self.throughputMbps = throughputMbps
        }
    }

    /// What qrate servers add: the receiver's row with its true bounds, the sender's view of the path.
    package struct Extension: Sendable, Equatable, Codable {
        /// Present when the server receives.
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
        case id, totals
        case elapsedMilliseconds = "elapsed_ms"
        case bytesReceived = "bytes_received"
        case isFinal = "is_final"
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

/// A receiver's row on the wire. Times count from its first payload byte.
package struct WireRow: Sendable, Equatable, Codable {
    package var startMilliseconds: Double
    package var endMilliseconds: Double
    package var isWarmUp: Bool
    package var bytesReceived: UInt64
    /// Per stream 1...N; left out when the line would grow past its limit.
    package var streams: [UInt64]?

    enum CodingKeys: String, CodingKey {
        case streams
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case isWarmUp = "warm_up"
        case bytesReceived = "bytes_received"
    }

    package init(
        startMilliseconds: Double, endMilliseconds: Double, isWarmUp: Bool, bytesReceived: UInt64, streams: [UInt64]?
    ) {
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.isWarmUp = isWarmUp
        self.bytesReceived = bytesReceived
        self.streams = streams
    }
}
