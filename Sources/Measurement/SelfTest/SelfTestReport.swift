/// What this host can do by itself, with both ends of every test on it: the ceiling of what it can measure of a path.
public struct SelfTestReport: Sendable, Hashable {
    /// Seconds since 1970 (UTC).
    public var startedAt: Double
    /// Software and version, as in `qrate/0.1.0`.
    public var software: String
    /// The measured window of each test.
    public var duration: Duration
    public var host: SelfTestHost
    /// One per transport, in the order in which they ran.
    public var loopback: [LoopbackFigure]
    /// What a user of this host should know, faults first.
    public var findings: [SelfTestFinding]
    /// Present when the self-test didn't come to its end.
    public var failure: TestFailure?

    public static let defaultDuration = Duration.seconds(1)
    public static let durationLimits = Duration.milliseconds(100)...Duration.seconds(60)
    /// Left out at the start of each test: congestion windows open, and memory is touched for the first time.
    public static let warmUp = Duration.milliseconds(200)

    public init(startedAt: Double, software: String, duration: Duration, host: SelfTestHost = SelfTestHost()) {
        self.startedAt = startedAt
        self.software = software
        self.duration = duration
        self.host = host
        loopback = []
        findings = []
    }

    /// Whether something that a test needs doesn't work here.
    public var hasFault: Bool { findings.contains { $0.severity == .fault } }
}

/// An upload over one transport, from this host to itself.
public struct LoopbackFigure: Sendable, Hashable {
    public var transport: TransportKind
    /// Payload that the receiving side got. nil when nothing came, or the test failed.
    public var throughput: Bitrate?
    /// The sender's, where the transport has one.
    public var congestionController: String?
    /// The record cipher, and the library that did it at both ends.
    public var cipher: String?
    public var aead: String?
    /// The share of datagrams that were sent and didn't arrive. UDP only.
    public var lossRatio: Double?
    public var failure: TestFailure?

    public init(_ transport: TransportKind) { self.transport = transport }
}

/// Something that a user of this host should know. The codes are stable.
public struct SelfTestFinding: Sendable, Hashable {
    public var severity: Severity
    public var code: String
    /// What is wrong, and what to do.
    public var message: String

    public enum Severity: String, Sendable, Hashable, CaseIterable {
        /// A test needs it, and it doesn't work.
        case fault
        /// Tests run, and could run better or be trusted more.
        case hint
    }

    public init(_ severity: Severity, _ code: String, _ message: String) {
        self.severity = severity
        self.code = code
        self.message = message
    }
}
