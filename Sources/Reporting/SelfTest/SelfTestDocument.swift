import QrateMeasurement

/// A self-test, as a JSON object.
struct SelfTestDocument: Encodable {
    static let schema = "qrate.selftest/1"

    var schema = Self.schema
    var startedAt: String?
    var tool: ToolDocument
    var durationMilliseconds: Double
    var warmUpMilliseconds: Double
    var host: SelfTestHostDocument
    var loopback: [Run]
    var findings: [Finding]
    var error: ErrorDocument?

    enum CodingKeys: String, CodingKey {
        case schema, tool, host, loopback, findings, error
        case startedAt = "started_at"
        case durationMilliseconds = "duration_ms"
        case warmUpMilliseconds = "warm_up_ms"
    }

    init(_ report: SelfTestReport, tool: ToolDocument) {
        startedAt = UTCTimestamp(secondsSince1970: report.startedAt)?.description
        self.tool = tool
        durationMilliseconds = report.duration.jsonMilliseconds
        warmUpMilliseconds = SelfTestReport.warmUp.jsonMilliseconds
        host = SelfTestHostDocument(report.host)
        loopback = report.loopback.map(Run.init)
        findings = report.findings.map(Finding.init)
        error = report.failure.map(ErrorDocument.init)
    }

    /// An upload from this host to itself.
    struct Run: Encodable {
        var transport: String
        var throughput: UInt64?
        var congestionController: String?
        var cipher: String?
        var aead: String?
        var lossPercent: Double?
        var error: ErrorDocument?

        enum CodingKeys: String, CodingKey {
            case transport, cipher, aead, error
            case throughput = "throughput_bps"
            case congestionController = "congestion"
            case lossPercent = "loss_percent"
        }

        init(_ figure: LoopbackFigure) {
            transport = figure.transport.rawValue
            throughput = figure.throughput?.bitsPerSecond
            congestionController = figure.congestionController.map(PrintableText.clean)
            cipher = figure.cipher.map(PrintableText.clean)
            aead = figure.aead.map(PrintableText.clean)
            lossPercent = figure.lossRatio.map { $0 * 100 }
            error = figure.failure.map(ErrorDocument.init)
        }
    }

    struct Finding: Encodable {
        var severity: String
        var code: String
        var message: String

        init(_ finding: SelfTestFinding) {
            severity = finding.severity.rawValue
            code = finding.code
            message = PrintableText.clean(finding.message)
        }
    }
}
