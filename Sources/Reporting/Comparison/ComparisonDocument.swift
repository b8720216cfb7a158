import QrateMeasurement

/// A comparison, as a JSON object.
struct ComparisonDocument: Encodable {
    static let schema = "qrate.comparison/1"

    var schema = Self.schema
    var id: String
    var startedAt: String?
    var tool: ToolDocument
    var client: EndDocument?
    var server: EndDocument?
    var comparison: Request
    var rounds: [RoundDocument]
    var transports: [FiguresDocument]
    var pairs: [PairDocument]
    var handshakes: [HandshakesOfTransport]?
    var sharing: [SharingDocument]?
    /// Why there were no more rounds.
    var end: String?
    var warnings: [WarningDocument]
    var error: ErrorDocument?

    enum CodingKeys: String, CodingKey {
        case schema, id, tool, client, server, comparison, rounds, transports, pairs, handshakes, sharing, end,
            warnings, error
        case startedAt = "started_at"
    }

    /// What was asked for.
    struct Request: Encodable {
        var transports: [String]
        var direction: String
        var streams: Int
        var durationMilliseconds: Double?
        var byteBudget: UInt64?
        var warmUpMilliseconds: Double
        var mostRounds: Int
        var precision: Double
        var runsTogether: Bool
        var budgetMilliseconds: Double?

        enum CodingKeys: String, CodingKey {
            case transports, direction, streams, precision
            case runsTogether = "together"
            case durationMilliseconds = "duration_ms"
            case byteBudget = "byte_budget_bytes"
            case warmUpMilliseconds = "warm_up_ms"
            case mostRounds = "most_rounds"
            case budgetMilliseconds = "budget_ms"
        }

        init(_ parameters: ComparisonParameters) {
            transports = parameters.transports.map(\.rawValue)
            direction = parameters.test.direction.rawValue
            streams = parameters.test.streams
            durationMilliseconds = parameters.test.limit.duration?.jsonMilliseconds
            byteBudget = parameters.test.limit.byteBudget?.bytes
            warmUpMilliseconds = parameters.test.warmUp.jsonMilliseconds
            mostRounds = parameters.rounds
            precision = parameters.precision
            runsTogether = parameters.runsTogether
            budgetMilliseconds = parameters.budget?.jsonMilliseconds
        }
    }

    init(_ report: ComparisonReport, tool: ToolDocument) {
        id = PrintableText.clean(report.id)
        startedAt = UTCTimestamp(secondsSince1970: report.startedAt)?.description
        self.tool = tool
        client = report.example.map { EndDocument($0.client) }
        server = report.example?.server.map(EndDocument.init)
        comparison = Request(report.parameters)
        rounds = report.rounds.map { RoundDocument($0, tool: tool) }
        transports = report.figures.map(FiguresDocument.init)
        pairs = report.pairs.map { PairDocument($0, report) }
        if !report.handshakes.isEmpty { handshakes = report.handshakes.map(HandshakesOfTransport.init) }
        if !report.sharing.isEmpty { sharing = report.sharing.map(SharingDocument.init) }
        end = report.end?.rawValue
        warnings = report.warnings.map(WarningDocument.init)
        error = report.failure.map(ErrorDocument.init)
    }

    /// The tests of one round in the order in which they ran, each a whole `qrate.result/1`.
    struct RoundDocument: Encodable {
        var number: Int
        var tests: [ResultDocument]
        /// Those at the same time.
        var together: [ResultDocument]?

        init(_ round: ComparisonRound, tool: ToolDocument) {
            number = round.number
            if !round.together.isEmpty { together = round.together.map { ResultDocument($0, tool: tool) } }
            tests = round.tests.map { ResultDocument($0, tool: tool) }
        }
    }

    /// One transport in one direction, over the rounds.
    struct FiguresDocument: Encodable {
        var transport: String
        var direction: String
        /// One per round, null where its test failed.
        var throughput: [UInt64?]
        var median: UInt64?
        var lowest: UInt64?
        var highest: UInt64?
        var handshakeMilliseconds: Double?
        var lossRatio: Double?
        var limitedBy: String?
        var clientCPU: Double?
        var serverCPU: Double?
        var latencyIncrease: Double?
        var failures: [ErrorDocument]

        enum CodingKeys: String, CodingKey {
            case transport, direction, failures
            case throughput = "throughput_bps"
            case median = "median_bps"
            case lowest = "lowest_bps"
            case highest = "highest_bps"
            case handshakeMilliseconds = "handshake_ms"
            case lossRatio = "loss_ratio"
            case limitedBy = "limited_by"
            case clientCPU = "client_cpu_per_gigabyte_s"
            case serverCPU = "server_cpu_per_gigabyte_s"
            case latencyIncrease = "latency_increase_p95_ms"
        }

        init(_ figures: TransportFigures) {
            transport = figures.transport.rawValue
            direction = figures.direction.rawValue
            throughput = figures.throughput.map { $0?.bitsPerSecond }
            median = figures.median?.bitsPerSecond
            lowest = figures.lowest?.bitsPerSecond
            highest = figures.highest?.bitsPerSecond
            handshakeMilliseconds = figures.handshake?.jsonMilliseconds
            lossRatio = figures.lossRatio.map(PairDocument.rounded)
            limitedBy = figures.limit?.rawValue
            clientCPU = figures.clientCPU.map { PairDocument.rounded($0.seconds) }
            serverCPU = figures.serverCPU.map { PairDocument.rounded($0.seconds) }
            latencyIncrease = figures.latencyIncrease?.jsonMilliseconds
            failures = figures.failures.map(ErrorDocument.init)
        }
    }

    /// Handshakes that were measured by themselves, by kind.
    struct HandshakesOfTransport: Encodable {
        var transport: String
        var phases: [String: HandshakePhaseDocument]

        init(_ handshakes: TransportHandshakes) {
            transport = handshakes.transport.rawValue
            phases = Dictionary(
                handshakes.phases.map { ($0.kind.rawValue, HandshakePhaseDocument($0)) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    /// All transports at the same time, in one direction.
    struct SharingDocument: Encodable {
        var direction: String
        var rounds: Int
        var shares: [String: Double]
        var fairnessIndex: Double

        enum CodingKeys: String, CodingKey {
            case direction, rounds, shares
            case fairnessIndex = "fairness_index"
        }

        init(_ sharing: PathSharing) {
            direction = sharing.direction.rawValue
            rounds = sharing.rounds
            shares = Dictionary(
                sharing.shares.map { ($0.transport.rawValue, PairDocument.rounded($0.share)) },
                uniquingKeysWith: { first, _ in first })
            fairnessIndex = PairDocument.rounded(sharing.fairnessIndex)
        }
    }

    /// Two transports in one direction.
    struct PairDocument: Encodable {
        var transport: String
        var other: String
        var direction: String
        var rounds: Int
        var ratio: Double?
        /// 95 %.
        var lower: Double?
        var upper: Double?
        var verdict: String
        var sentence: String
        var differences: [Difference]

        struct Difference: Encodable {
            var field: String
            var value: String
            var other: String
        }

        init(_ pair: TransportPair, _ report: ComparisonReport) {
            transport = pair.transport.rawValue
            other = pair.other.rawValue
            direction = pair.direction.rawValue
            rounds = pair.rounds
            ratio = pair.ratio.map(Self.rounded)
            lower = (pair.interval?.lower).map(Self.rounded)
            upper = (pair.interval?.upper).map(Self.rounded)
            verdict = pair.verdict.rawValue
            sentence = ComparisonVerdict(pair, report).sentence
            differences = pair.differences.map {
                Difference(
                    field: $0.field.rawValue, value: PrintableText.clean($0.value),
                    other: PrintableText.clean($0.other))
            }
        }

        /// Five decimals, and five digits of what is smaller than 1: more than any of the ratios is known to, and never 0.
        static func rounded(_ value: Double) -> Double {
            guard value > 0, value.isFinite else { return value }
            var scale = 1e5
            while value * scale < 1e4 { scale *= 10 }
            return (value * scale).rounded() / scale
        }
    }
}
