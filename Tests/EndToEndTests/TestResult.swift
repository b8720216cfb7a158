import FoundationEssentials
import QrateTestSupport
import Testing

/// What a user's program reads from `qrate --json`: of the published schema, what these tests look at.
struct TestResult: Decodable, Sendable {
    var id: String?
    var server: End?
    var test: Plan?
    var intervals: [Row]?
    var summary: Summary?
    var streams: [Stream]?
    var path: Path?
    var latency: Latency?
    var handshake: Handshake?
    var security: Security?
    var qlog: Qlog?
    var warnings: [Warning]?
    var error: Failure?

    struct End: Decodable, Sendable { var software: String, address: String? }

    struct Plan: Decodable, Sendable {
        var transport: String
        var direction: String
        var streams: Int
        var settings: EndSettings
    }

    struct EndSettings: Decodable, Sendable { var client: Settings?, server: Settings? }

    struct Settings: Decodable, Sendable {
        var segmentationOffload: Bool?
        var receiveOffload: Bool?
        var sendBufferBytes: Int?
        var receiveBufferBytes: Int?
        var aead: String?
        var endpointThreads: Int?
        var recording: Recording?
    }

    struct Row: Decodable, Sendable {
        var startMs: Double
        var endMs: Double
        var omitted: Bool
        var upload: Count?
        var download: Count?
        var path: Path?

        struct Count: Decodable, Sendable {
            var bytesReceived: UInt64
            var streams: [StreamCount]?
            var datagrams: Datagrams?
        }

        struct StreamCount: Decodable, Sendable { var index: Int, bytesReceived: UInt64 }

        var bytes: UInt64 { upload?.bytesReceived ?? download?.bytesReceived ?? 0 }
    }

    struct Summary: Decodable, Sendable {
        var upload: Totals?
        var download: Totals?

        /// Of the one direction that was tested.
        var totals: Totals? { upload ?? download }
    }

    struct Totals: Decodable, Sendable {
        var bytesSent: UInt64?
        var bytesReceived: UInt64
        var drainedBytes: UInt64
        var warmUpBytes: UInt64
        var throughputBps: UInt64?
        var durationMs: Double?
        var complete: Bool?
        var datagrams: Datagrams?
        var steadyState: SteadyState?
        var losses: Losses?
    }

    struct SteadyState: Decodable, Sendable {
        var timeTo90PercentMs: Double
        var plateauBps: UInt64
        var plateauDeviationBps: UInt64
        var sliceMs: Double
        var twoRates: TwoRates?

        struct TwoRates: Decodable, Sendable { var lowBps: UInt64, highBps: UInt64 }
    }

    struct Losses: Decodable, Sendable {
        var wire: UInt64?
        var receiveBuffer: UInt64?
        var receiveBufferAtLeast: UInt64?
        var sender: UInt64?
    }

    struct Datagrams: Decodable, Sendable {
        var received: UInt64
        var lost: Int64
        var duplicates: UInt64
        var reordered: UInt64
        var receiveBufferDrops: UInt64?
    }

    struct Path: Decodable, Sendable { var quic: QUIC?, limits: Limits? }

    struct Limits: Decodable, Sendable {
        var coveredMs: Double
        var shares: [String: Double]
        var limitedBy: String?
        var sentence: String?
        var setting: Setting?

        struct Setting: Decodable, Sendable, Equatable { var name: String, value: String }
    }

    struct QUIC: Decodable, Sendable {
        var minRttUs: Double?
        var maxUdpPayloadBytes: Int?
        var streamPacketsLost: UInt64?
        var datagramsSent: UInt64?
        var sendCalls: UInt64?
        var connectionCreditBytes: UInt64?
        var streamCreditBytes: UInt64?
        var packets: Packets?
    }

    struct Packets: Decodable, Sendable {
        var sent: UInt64
        var received: UInt64
        var acknowledged: UInt64
        var ackFramesReceived: UInt64
        var streamBytesResent: UInt64
        var spuriousLosses: UInt64
        var probeTimeouts: UInt64
        var keyUpdates: UInt64
        var ceReported: UInt64?
        var ecnValidated: Bool?
    }

    struct Latency: Decodable, Sendable {
        var inside: Comparison?
        var beside: Comparison?

        struct Comparison: Decodable, Sendable {
            var idle: Probes
            var loaded: Probes
            var increaseUs: Increase?
            var bufferDelayPercent: Double?
            var responsivenessVariantRpm: Double?
        }

        struct Increase: Decodable, Sendable { var p50: Double, p95: Double? }

        struct Probes: Decodable, Sendable {
            var sent: UInt64
            var answered: UInt64
            var lost: UInt64
            var roundTripUs: Distribution?
            var uploadVariationUs: Distribution?
            var downloadVariationUs: Distribution?
        }

        struct Distribution: Decodable, Sendable { var min: Double, p50: Double, p95: Double? }
    }

    struct Stream: Decodable, Sendable { var index: Int, direction: String, bytesReceived: UInt64 }
    struct Handshake: Decodable, Sendable { var durationMs: Double, confirmedMs: Double?, resumed: Bool? }
    struct Security: Decodable, Sendable {
        var cipher: String
        var aead: String?
        var verification: String
        var knownSince: String?
        var fingerprintSha256: String
    }
    struct Recording: Decodable, Sendable { var qlog: Bool, keyLog: Bool }
    struct Qlog: Decodable, Sendable {
        var directory: String
        var files: Int
        var bytes: UInt64
        var events: UInt64
        var droppedEvents: UInt64
        var writerCpuMs: Double
    }

    struct Warning: Decodable, Sendable { var code: String }
    struct Failure: Decodable, Sendable { var kind: String, message: String }
}

extension RunningProgram.Outcome {
    /// The one JSON object on standard output.
    ///
    /// - Throws: Also when something else is there beside it.
    func result() throws -> TestResult {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(TestResult.self, from: Data(output.utf8))
    }

    /// The result of a test that went to its end.
    func success(sourceLocation: SourceLocation = #_sourceLocation) throws -> TestResult {
        try #require(status == 0, "\(errors)\(output)", sourceLocation: sourceLocation)
        #expect(errors == "", sourceLocation: sourceLocation)
        return try result()
    }

    /// Expects a failure as every failure shall be: its exit status, and one line on standard error with these parts,
    /// behind the warnings about what was measured.
    func expectFailure(
        _ status: CInt, saying parts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(self.status == status, "\(errors)", sourceLocation: sourceLocation)
        let lines = errors.split(separator: "\n")
        let last = lines.last ?? ""
        #expect(last.hasPrefix("qrate: "), "\(errors)", sourceLocation: sourceLocation)
        for line in lines.dropLast() {
            #expect(line.hasPrefix("warning: ") || line.hasPrefix("  "), "\(errors)", sourceLocation: sourceLocation)
        }
        for part in parts {
            #expect(last.contains(part), "\(part) is missing: \(last)", sourceLocation: sourceLocation)
        }
    }
}
