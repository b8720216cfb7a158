import FoundationEssentials
import QrateTestSupport

/// What `qrate --json` prints: of the published schema, what these tests look at.
struct QrateReport: Decodable, Sendable {
    var summary: Summary

    struct Summary: Decodable, Sendable {
        var upload: Totals?
        var download: Totals?
    }

    struct Totals: Decodable, Sendable {
        var bytesSent: UInt64?
        var bytesReceived: UInt64
        var drainedBytes: UInt64
        var warmUpBytes: UInt64
        var datagrams: Datagrams?
    }

    struct Datagrams: Decodable, Sendable {
        var received: UInt64
        var lost: Int64
    }
}

extension RunningProgram.Outcome {
    func report() throws -> QrateReport {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(QrateReport.self, from: Data(output.utf8))
    }
}
