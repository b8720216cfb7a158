import QrateMeasurement

/// What a receiver counted of sequence-numbered datagrams. The keys are those of the control protocol.
struct DatagramDocument: Encodable {
    var received: UInt64
    var lost: Int64
    var lossPercent: Double?
    var duplicates: UInt64
    var reordered: UInt64
    var jitter: Double?
    var maxJitter: Double?
    var delayVariation: DelayVariationDocument?
    var receiveBufferDrops: UInt64?

    enum CodingKeys: String, CodingKey {
        case received, lost, duplicates, reordered
        case lossPercent = "loss_percent"
        case jitter = "jitter_us"
        case maxJitter = "max_jitter_us"
        case delayVariation = "delay_variation"
        case receiveBufferDrops = "receive_buffer_drops"
    }

    init(_ report: DatagramReport) {
        received = report.received
        lost = report.lost
        // A row that took losses back has no share of its own.
        lossPercent = report.lost < 0 ? nil : report.lossRatio.map { $0 * 100 }
        duplicates = report.duplicates
        reordered = report.reordered
        jitter = report.jitter?.jsonMicroseconds
        maxJitter = report.maxJitter?.jsonMicroseconds
        delayVariation = report.delayVariation.map(DelayVariationDocument.init)
        receiveBufferDrops = report.receiveBufferDrops
    }
}

struct DelayVariationDocument: Encodable {
    var median: Double
    var percentile95: Double
    var percentile99: Double
    var maximum: Double

    enum CodingKeys: String, CodingKey {
        case median = "median_us"
        case percentile95 = "p95_us"
        case percentile99 = "p99_us"
        case maximum = "max_us"
    }

    init(_ variation: DelayVariation) {
        median = variation.median.jsonMicroseconds
        percentile95 = variation.percentile95.jsonMicroseconds
        percentile99 = variation.percentile99.jsonMicroseconds
        maximum = variation.maximum.jsonMicroseconds
    }
}
