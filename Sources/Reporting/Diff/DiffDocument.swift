import QrateMeasurement

/// A diff, as a JSON object.
struct DiffDocument: Encodable {
    static let schema = "qrate.diff/1"

    var schema = Self.schema
    var tool: ToolDocument
    var before: Measurement
    var after: Measurement
    var threshold: Double?
    var isRegression: Bool
    var rows: [Row]
    var changes: [Change]

    enum CodingKeys: String, CodingKey {
        case schema, tool, before, after, threshold, rows, changes
        case isRegression = "regression"
    }

    init(_ report: DiffReport, tool: ToolDocument) {
        self.tool = tool
        before = Measurement(report.before)
        after = Measurement(report.after)
        threshold = report.threshold
        isRegression = report.isRegression
        rows = report.rows.map(Row.init)
        changes = report.changes.map(Change.init)
    }

    /// Which document.
    struct Measurement: Encodable {
        var file: String
        var id: String?
        var startedAt: String?
        var client: String?
        var server: String?

        enum CodingKeys: String, CodingKey {
            case file, id, client, server
            case startedAt = "started_at"
        }

        init(_ measurement: SavedMeasurement) {
            file = PrintableText.clean(measurement.name)
            id = measurement.id
            startedAt = measurement.startedAt
            client = measurement.client
            server = measurement.server
        }
    }

    /// One transport in one direction.
    struct Row: Encodable {
        var transport: String
        var direction: String
        var before: Figure
        var after: Figure
        var ratio: Double?
        /// 95 %.
        var lower: Double?
        var upper: Double?
        var threshold: Double
        var verdict: String

        struct Figure: Encodable {
            var tests: Int
            var throughput: UInt64?

            enum CodingKeys: String, CodingKey {
                case tests
                case throughput = "throughput_bps"
            }

            init(_ figure: DiffRow.Figure) {
                tests = figure.tests
                throughput = figure.throughput?.bitsPerSecond
            }
        }

        init(_ row: DiffRow) {
            transport = row.transport.rawValue
            direction = row.direction.rawValue
            before = Figure(row.before)
            after = Figure(row.after)
            ratio = row.ratio.flatMap(Self.finite)
            lower = (row.interval?.lower).flatMap(Self.finite)
            upper = (row.interval?.upper).flatMap(Self.finite)
            threshold = row.threshold
            verdict = row.verdict.rawValue
        }

        /// JSON has no infinity, which a ratio of two absurd figures may come to.
        private static func finite(_ value: Double) -> Double? {
            value.isFinite && value > 0 ? value : nil
        }
    }

    /// A setting that was another.
    struct Change: Encodable {
        var field: String
        var before: String?
        var after: String?

        init(_ change: DiffChange) {
            field = change.field
            before = change.before?.description
            after = change.after?.description
        }
    }
}
