package import QrateMeasurement

/// ``QrateMeasurement/DatagramReport`` on the wire.
package struct WireDatagrams: Sendable, Equatable, Codable {
    package var received: UInt64
    /// Negative in a row in which more came late than was lost.
    package var lost: Int64
    package var duplicates: UInt64
    package var reordered: UInt64
    package var jitterMicroseconds: Double?
    package var maxJitterMicroseconds: Double?
    package var delayVariation: Percentiles?
    package var receiveBufferDrops: UInt64?

    enum CodingKeys: String, CodingKey {
        case received, lost, duplicates, reordered
        case jitterMicroseconds = "jitter_us"
        case maxJitterMicroseconds = "max_jitter_us"
        case delayVariation = "delay_variation"
        case receiveBufferDrops = "receive_buffer_drops"
    }

    /// In microseconds.
    package struct Percentiles: Sendable, Equatable, Codable {
        package var median: Double
        package var percentile95: Double
        package var percentile99: Double
        package var maximum: Double

        enum CodingKeys: String, CodingKey {
            case median = "median_us"
            case percentile95 = "p95_us"
            case percentile99 = "p99_us"
            case maximum = "max_us"
        }

        package init(median: Double, percentile95: Double, percentile99: Double, maximum: Double) {
            self.median = median
            self.percentile95 = percentile95
            self.percentile99 = percentile99
            self.maximum = maximum
        }
    }
}

extension WireDatagrams {
    package init(_ report: DatagramReport) {
        self.init(
            received: report.received, lost: report.lost, duplicates: report.duplicates, reordered: report.reordered,
            jitterMicroseconds: report.jitter?.microseconds, maxJitterMicroseconds: report.maxJitter?.microseconds,
            delayVariation: report.delayVariation.map {
                Percentiles(
                    median: $0.median.microseconds, percentile95: $0.percentile95.microseconds,
                    percentile99: $0.percentile99.microseconds, maximum: $0.maximum.microseconds)
            },
            receiveBufferDrops: report.receiveBufferDrops)
    }

    /// - Throws: ``ControlError/invalidField(field:reason:)`` for times that are none.
    package func report() throws(ControlError) -> DatagramReport {
        var report = DatagramReport(received: received, lost: lost, duplicates: duplicates, reordered: reordered)
        report.jitter = try Self.time(jitterMicroseconds, "jitter_us")
        report.maxJitter = try Self.time(maxJitterMicroseconds, "max_jitter_us")
        if let delayVariation {
            func time(_ value: Double, _ name: String) throws(ControlError) -> Duration {
                try Duration(wireMicroseconds: value, field: "delay_variation.\(name)")
            }
            report.delayVariation = DelayVariation(
                median: try time(delayVariation.median, "median_us"),
                percentile95: try time(delayVariation.percentile95, "p95_us"),
                percentile99: try time(delayVariation.percentile99, "p99_us"),
                maximum: try time(delayVariation.maximum, "max_us"))
        }
        report.receiveBufferDrops = receiveBufferDrops
        return report
    }

    private static func time(_ microseconds: Double?, _ field: String) throws(ControlError) -> Duration? {
        guard let microseconds else { return nil }
        return try Duration(wireMicroseconds: microseconds, field: field)
    }
}
