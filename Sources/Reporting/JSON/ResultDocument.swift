import QrateMeasurement

/// The result of a test, as a JSON object.
struct ResultDocument: Encodable {
    static let schema = "qrate.result/1"

    var schema = Self.schema
    var id: String
    var startedAt: String?
    var tool: ToolDocument
    var client: EndDocument
    var server: EndDocument?
    var test: TestDocument
    var intervals: [IntervalDocument]
    var summary: SummaryDocument
    var streams: [StreamDocument]
    var fairnessIndex: Double?
    /// The upload's sender's view where there is an upload; in bidirectional tests the download's has a key of its own.
    var path: PathDocument?
    var pathDownload: PathDocument?
    var pathMTU: PathMTUDocument?
    var latency: LatencyReportDocument?
    var handshake: HandshakeDocument?
    var security: SecurityDocument?
    var cpu: ProcessorDocument?
    var qlog: QlogDocument?
    var warnings: [WarningDocument]
    var error: ErrorDocument?

    enum CodingKeys: String, CodingKey {
        case schema, id, tool, client, server, test, intervals, summary, streams, path, latency, handshake, security,
            cpu
        case warnings, error, qlog
        case startedAt = "started_at"
        case fairnessIndex = "fairness_index"
        case pathDownload = "path_download"
        case pathMTU = "path_mtu"
    }

    init(_ report: TestReport, tool: ToolDocument) {
        id = PrintableText.clean(report.id)
        startedAt = UTCTimestamp(secondsSince1970: report.startedAt)?.description
        self.tool = tool
        client = EndDocument(report.client)
        server = report.server.map(EndDocument.init)
        test = TestDocument(report)
        intervals = report.intervals.map(IntervalDocument.init)
        summary = SummaryDocument(
            upload: report.upload.map { DirectionDocument($0, report.losses(.upload)) },
            download: report.download.map { DirectionDocument($0, report.losses(.download)) })
        streams =
            StreamDocument.list(report.upload, direction: .upload)
            + StreamDocument.list(report.download, direction: .download)
        // It compares the streams of one direction; with two, `streams` has what a reader needs.
        fairnessIndex =
            report.parameters.direction == .bidirectional
            ? nil : report.summary(report.parameters.direction)?.fairnessIndex
        if report.parameters.direction == .bidirectional {
            path = PathDocument(report, .upload)
            pathDownload = PathDocument(report, .download)
        } else {
            path = PathDocument(report, report.parameters.direction)
        }
        pathMTU = report.pathMTU.map(PathMTUDocument.init)
        latency = report.latency.map(LatencyReportDocument.init)
        handshake = report.handshake.map(HandshakeDocument.init)
        security = report.security.map(SecurityDocument.init)
        cpu = ProcessorDocument(report)
        qlog = report.qlog.map(QlogDocument.init)
        warnings = report.warnings.map(WarningDocument.init)
        error = report.failure.map(ErrorDocument.init)
    }
}

/// What is left of a result when the failure came before the test.
struct FailureDocument: Encodable {
    var schema = ResultDocument.schema
    var tool: ToolDocument
    var error: ErrorDocument
}
