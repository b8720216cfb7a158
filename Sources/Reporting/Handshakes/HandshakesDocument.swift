import QrateMeasurement

/// A measurement of handshakes, as a JSON object.
struct HandshakesDocument: Encodable {
    static let schema = "qrate.handshakes/1"

    var schema = Self.schema
    var startedAt: String?
    var tool: ToolDocument
    var client: EndDocument
    var server: EndDocument?
    var test: Test
    /// By kind: `cold`, `resumed`.
    var phases: [String: HandshakePhaseDocument]
    var security: SecurityDocument?
    var warnings: [WarningDocument]
    var error: ErrorDocument?

    /// What was asked for.
    struct Test: Encodable {
        var transport: String
        var kinds: [String]
        var parallel: Int
        var durationMilliseconds: Double?
        var count: Int?
        var cipher: String?

        enum CodingKeys: String, CodingKey {
            case transport, kinds, parallel, count, cipher
            case durationMilliseconds = "duration_ms"
        }

        init(_ parameters: HandshakeParameters) {
            transport = parameters.transport.rawValue
            kinds = parameters.kinds.map(\.rawValue)
            parallel = parameters.parallel
            durationMilliseconds = parameters.duration?.jsonMilliseconds
            count = parameters.count
            cipher = parameters.cipher?.rawValue
        }
    }

    enum CodingKeys: String, CodingKey {
        case schema, tool, client, server, test, phases, security, warnings, error
        case startedAt = "started_at"
    }

    init(_ report: HandshakeTestReport, tool: ToolDocument) {
        startedAt = UTCTimestamp(secondsSince1970: report.startedAt)?.description
        self.tool = tool
        client = EndDocument(report.client)
        server = report.server.map(EndDocument.init)
        test = Test(report.parameters)
        phases = Dictionary(
            report.phases.map { ($0.kind.rawValue, HandshakePhaseDocument($0)) },
            uniquingKeysWith: { first, _ in first })
        security = report.security.map(SecurityDocument.init)
        warnings = report.warnings.map(WarningDocument.init)
        error = report.failure.map(ErrorDocument.init)
    }
}

/// Handshakes of one kind.
struct HandshakePhaseDocument: Encodable {
    var completed: UInt64
    var failed: UInt64
    /// Why, and how many each time.
    var failures: [String: UInt64]
    var mistaken: UInt64
    var isPartial: Bool
    var durationMilliseconds: Double?
    var connectionsPerSecond: Double?
    var latency: LatencyDocument?
    var connectLatency: LatencyDocument?
    var cpu: Ends?

    /// What each end's process used.
    struct Ends: Encodable {
        var client: CPUDocument?
        var server: CPUDocument?
    }

    enum CodingKeys: String, CodingKey {
        case completed, failed, failures, mistaken, cpu
        case isPartial = "partial"
        case durationMilliseconds = "duration_ms"
        case connectionsPerSecond = "connections_per_second"
        case latency = "latency_us"
        case connectLatency = "tcp_connect_us"
    }

    init(_ phase: HandshakePhaseReport) {
        completed = phase.completed
        failed = phase.failed
        failures = Dictionary(
            phase.failures.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { first, _ in first })
        mistaken = phase.mistaken
        isPartial = phase.isPartial
        durationMilliseconds = phase.window?.jsonMilliseconds
        connectionsPerSecond = phase.perSecond.map { ($0 * 1000).rounded() / 1000 }
        latency = phase.latency.map(LatencyDocument.init)
        connectLatency = phase.connectLatency.map(LatencyDocument.init)
        let ends = Ends(
            client: phase.clientCPU.map { CPUDocument($0, perHandshake: phase.perHandshake($0)) },
            server: phase.serverCPU.map { CPUDocument($0, perHandshake: phase.perHandshake($0)) })
        if ends.client != nil || ends.server != nil { cpu = ends }
    }
}

/// Percentiles in microseconds.
struct LatencyDocument: Encodable {
    var min: Double
    var p50: Double
    var p90: Double
    var p99: Double
    var max: Double

    init(_ latency: LatencySummary) {
        min = latency.minimum.jsonMicroseconds
        p50 = latency.median.jsonMicroseconds
        p90 = latency.percentile90.jsonMicroseconds
        p99 = latency.percentile99.jsonMicroseconds
        max = latency.maximum.jsonMicroseconds
    }
}

/// Processor time of one end.
struct CPUDocument: Encodable {
    var total: Double
    var perHandshake: Double?

    enum CodingKeys: String, CodingKey {
        case total = "total_s"
        case perHandshake = "per_handshake_us"
    }

    init(_ time: Duration, perHandshake: Duration?) {
        total = Double(time.nanoseconds) / 1e9
        self.perHandshake = perHandshake?.jsonMicroseconds
    }
}
