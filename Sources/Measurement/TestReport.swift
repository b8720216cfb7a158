/// Everything a test found out: the one value that every reporter takes.
public struct TestReport: Sendable {
    public var id: String
    /// When the client began, seconds since 1970 (UTC).
    public var startedAt: Double
    public var parameters: TestParameters
    public var client: EndReport
    /// Absent when no server answered.
    public var server: EndReport?
    public var intervals: [IntervalReport]
    public var upload: DirectionSummary?
    public var download: DirectionSummary?
    /// Each direction's sender's view of the path over the whole test.
    public var uploadPath: PathReport?
    public var downloadPath: PathReport?
    /// What the path's largest datagrams are, where the test was to find that out.
    public var pathMTU: PathMTUReport?
    /// Where the test was to measure it.
    public var latency: LatencyReport?
    /// Whether both ends are on one machine, by the server's address; nil before it was known.
    public var isLoopback: Bool?
    public var handshake: HandshakeReport?
    public var security: SecurityReport?
    /// What the client's qlog came to; nil without one.
    public var qlog: QlogReport?
    public var warnings: [TestWarning]
    /// Present when the test didn't run to its planned end. What was measured until then stays in the report.
    public var failure: TestFailure?

    public init(
        id: String, startedAt: Double, parameters: TestParameters, client: EndReport, server: EndReport? = nil,
        intervals: [IntervalReport] = [], upload: DirectionSummary? = nil, download: DirectionSummary? = nil,
        uploadPath: PathReport? = nil, downloadPath: PathReport? = nil, handshake: HandshakeReport? = nil,
        security: SecurityReport? = nil,
        warnings: [TestWarning] = [], failure: TestFailure? = nil
    ) {
        self.id = id
        self.startedAt = startedAt
        self.parameters = parameters
        self.client = client
        self.server = server
        self.intervals = intervals
        self.upload = upload
        self.download = download
        self.uploadPath = uploadPath
        self.downloadPath = downloadPath
        self.handshake = handshake
        self.security = security
        self.warnings = warnings
        self.failure = failure
    }

    /// All payload that arrived, in both directions, also outside the measured windows: what the ends used processor time
    /// for. nil where a receiver didn't tell its counts, or not to the end.
    public var receivedInAll: ByteCount? {
        var sum = ByteCount.zero
        for direction in [Direction.upload, .download]
        where direction == parameters.direction || parameters.direction == .bidirectional {
            guard let summary = summary(direction), failure == nil || summary.isComplete != nil else { return nil }
            sum += summary.warmUpBytes + summary.bytesReceived + summary.drainedBytes
        }
        return sum
    }

    public func summary(_ direction: Direction) -> DirectionSummary? { direction == .upload ? upload : download }
    public func path(_ direction: Direction) -> PathReport? { direction == .upload ? uploadPath : downloadPath }
}

/// One end of a test.
public struct EndReport: Sendable, Hashable {
    /// Software and version, as in `qrate/0.1.0`. From a peer: already stripped of control characters.
    public var software: String
    /// The host as the user wrote it (server only) and the address and port that were used.
    public var host: String?
    public var address: String?
    public var settings: EffectiveSettings
    /// Program and machine; nil where the other end didn't tell.
    public var platform: Platform?
    /// What its data-path threads used for the test; nil where no payload moved, or the other end didn't tell.
    public var cpu: ProcessorUsage?
    /// By how much its wall clock was set, forward or back, while the test ran; nil when that isn't known.
    public var clockStep: Duration?

    public init(
        software: String, host: String? = nil, address: String? = nil,
        settings: EffectiveSettings = EffectiveSettings()
    ) {
        self.software = software
        self.host = host
        self.address = address
        self.settings = settings
    }
}

/// Something that a reader of the figures should know. The codes are stable.
public struct TestWarning: Sendable, Hashable {
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
