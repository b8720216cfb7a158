import QrateMeasurement

/// One row of the receiver.
struct IntervalDocument: Encodable {
    var startMilliseconds: Double
    var endMilliseconds: Double
    /// In the warm-up: in no total.
    var isOmitted: Bool
    var upload: Count?
    var download: Count?
    var streams: [StreamCount]?
    var path: PathDocument?

    enum CodingKeys: String, CodingKey {
        case upload, download, streams, path
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case isOmitted = "omitted"
    }

    struct Count: Encodable {
        var bytesReceived: UInt64
        var throughput: UInt64?

        enum CodingKeys: String, CodingKey {
            case bytesReceived = "bytes_received"
            case throughput = "throughput_bps"
        }

        init(_ count: ByteCount, over length: Duration) {
            bytesReceived = count.bytes
            throughput = Bitrate(count, over: length)?.bitsPerSecond
        }
    }

    struct StreamCount: Encodable {
        var index: Int
        var bytesReceived: UInt64

        enum CodingKeys: String, CodingKey {
            case index
            case bytesReceived = "bytes_received"
        }
    }

    init(_ interval: IntervalReport) {
        startMilliseconds = interval.start.jsonMilliseconds
        endMilliseconds = interval.end.jsonMilliseconds
        isOmitted = interval.isWarmUp
        upload = interval.received(.upload).map { Count($0, over: interval.length) }
        download = interval.received(.download).map { Count($0, over: interval.length) }
        let counts = interval.streams.enumerated().map { StreamCount(index: $0 + 1, bytesReceived: $1.bytes) }
        streams = counts.isEmpty ? nil : counts
        path = interval.path.map(PathDocument.init)
    }
}
