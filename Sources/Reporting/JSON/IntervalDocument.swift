import QrateMeasurement

/// One row of one direction's receiver: which one, the key of its counts says.
struct IntervalDocument: Encodable {
    var startMilliseconds: Double
    var endMilliseconds: Double
    /// In the warm-up: in no total.
    var isOmitted: Bool
    var upload: Count?
    var download: Count?
    /// The sender's view of that direction.
    var path: PathDocument?

    enum CodingKeys: String, CodingKey {
        case upload, download, path
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case isOmitted = "omitted"
    }

    struct Count: Encodable {
        var bytesReceived: UInt64
        var throughput: UInt64?
        var streams: [StreamCount]?
        var fairnessIndex: Double?
        var datagrams: DatagramDocument?

        enum CodingKeys: String, CodingKey {
            case streams, datagrams
            case bytesReceived = "bytes_received"
            case throughput = "throughput_bps"
            case fairnessIndex = "fairness_index"
        }

        init(_ interval: IntervalReport) {
            bytesReceived = interval.bytesReceived.bytes
            throughput = Bitrate(interval.bytesReceived, over: interval.length)?.bitsPerSecond
            let counts = interval.streams.enumerated().map { index, bytes in
                StreamCount(
                    index: index + 1, bytesReceived: bytes.bytes,
                    throughput: Bitrate(bytes, over: interval.length)?.bitsPerSecond)
            }
            streams = counts.isEmpty ? nil : counts
            fairnessIndex = interval.fairnessIndex
            datagrams = interval.datagrams.map(DatagramDocument.init)
        }
    }

    struct StreamCount: Encodable {
        var index: Int
        var bytesReceived: UInt64
        var throughput: UInt64?

        enum CodingKeys: String, CodingKey {
            case index
            case bytesReceived = "bytes_received"
            case throughput = "throughput_bps"
        }
    }

    init(_ interval: IntervalReport) {
        startMilliseconds = interval.start.jsonMilliseconds
        endMilliseconds = interval.end.jsonMilliseconds
        isOmitted = interval.isWarmUp
        upload = interval.direction == .upload ? Count(interval) : nil
        download = interval.direction == .download ? Count(interval) : nil
        path = interval.path.map { PathDocument($0) }
    }
}
