package import QrateMeasurement

/// A comparison as CSV (RFC 4180): one header, then one row per test and direction. An empty cell was not measured.
package enum ComparisonCSV {
    private static let header = [
        "round", "transport", "direction", "throughput_bps", "bytes_received", "duration_ms", "handshake_ms", "error",
    ]

    package static func document(_ report: ComparisonReport) -> String {
        var lines = [header]
        for round in report.rounds {
            for test in round.tests {
                lines += report.parameters.directions.map { cells(test, round: round.number, $0) }
            }
        }
        return lines.map { $0.map(cell).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func cells(_ test: TestReport, round: Int, _ direction: Direction) -> [String] {
        let summary = test.summary(direction)
        return [
            "\(round)", test.parameters.transport.rawValue, direction.rawValue,
            text(summary?.throughput?.bitsPerSecond), text(summary?.bytesReceived.bytes),
            text(summary?.duration?.jsonMilliseconds), text(test.handshake?.duration.jsonMilliseconds),
            test.failure?.kind.rawValue ?? "",
        ]
    }

    private static func text(_ value: (some CustomStringConvertible)?) -> String { value.map { "\($0)" } ?? "" }

    private static func cell(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
