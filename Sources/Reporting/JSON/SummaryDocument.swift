import QrateMeasurement

/// The totals of a test.
struct SummaryDocument: Encodable {
    var upload: DirectionDocument?
    var download: DirectionDocument?
}

/// The totals of one direction, as its receiver counted them; `bytes_sent` is the sender's.
struct DirectionDocument: Encodable {
    var bytesSent: UInt64?
    var bytesReceived: UInt64
    var drainedBytes: UInt64
    var warmUpBytes: UInt64
    var throughput: UInt64?
    var durationMilliseconds: Double?
    var isComplete: Bool?
    var datagrams: DatagramDocument?
    var steadyState: SteadyStateDocument?
    var losses: LossDocument?

    enum CodingKeys: String, CodingKey {
        case datagrams, losses
        case steadyState = "steady_state"
        case bytesSent = "bytes_sent"
        case bytesReceived = "bytes_received"
        case drainedBytes = "drained_bytes"
        case warmUpBytes = "warm_up_bytes"
        case throughput = "throughput_bps"
        case durationMilliseconds = "duration_ms"
        case isComplete = "complete"
    }

    init(_ summary: DirectionSummary, _ losses: LossReport?) {
        bytesSent = summary.bytesSent?.bytes
        bytesReceived = summary.bytesReceived.bytes
        drainedBytes = summary.drainedBytes.bytes
        warmUpBytes = summary.warmUpBytes.bytes
        throughput = summary.throughput?.bitsPerSecond
        durationMilliseconds = summary.duration?.jsonMilliseconds
        isComplete = summary.isComplete
        datagrams = summary.datagrams.map(DatagramDocument.init)
        steadyState = summary.steadyState.map(SteadyStateDocument.init)
        self.losses = losses.map(LossDocument.init)
    }
}

/// The total of one stream in one direction, over that direction's window.
struct StreamDocument: Encodable {
    var index: Int
    var direction: String
    var bytesReceived: UInt64
    var throughput: UInt64?

    enum CodingKeys: String, CodingKey {
        case index, direction
        case bytesReceived = "bytes_received"
        case throughput = "throughput_bps"
    }

    static func list(_ summary: DirectionSummary?, direction: Direction) -> [StreamDocument] {
        guard let summary else { return [] }
        return summary.streams.enumerated().map { index, count in
            StreamDocument(
                index: index + 1, direction: direction.rawValue, bytesReceived: count.bytes,
                throughput: summary.duration.flatMap { Bitrate(count, over: $0) }?.bitsPerSecond)
        }
    }
}
