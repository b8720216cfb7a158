/// Everything that a measurement of handshakes found out.
public struct HandshakeTestReport: Sendable {
    /// When the client began, seconds since 1970 (UTC).
    public var startedAt: Double
    public var parameters: HandshakeParameters
    public var client: EndReport
    /// Absent when no server answered.
    public var server: EndReport?
    /// Of the first connection, which isn't measured: every other one had to show the same certificate.
    public var security: SecurityReport?
    /// In the order of the measurement. One that was interrupted is there with what it measured.
    public var phases: [HandshakePhaseReport]
    public var warnings: [TestWarning]
    /// Present when the measurement didn't run to its planned end, or something else was measured than what was asked for.
    public var failure: TestFailure?

    public init(startedAt: Double, parameters: HandshakeParameters, client: EndReport) {
        self.startedAt = startedAt
        self.parameters = parameters
        self.client = client
        phases = []
        warnings = []
    }
}

/// Handshakes of one kind.
public struct HandshakePhaseReport: Sendable, Hashable {
    public var kind: HandshakeKind
    /// Those that were complete at both ends and of this kind. All figures are about these.
    public var completed: UInt64
    /// Why others failed, and how many of them each time.
    public var failures: [HandshakeFault: UInt64]
    /// Complete, but of the other kind: in no figure.
    public var mistaken: UInt64
    /// It was ended before its time: stopped, or because nothing but failures came any more.
    public var isPartial: Bool
    /// From the beginning of the first handshake to the end of the last that was completed. nil when none was.
    public var window: Duration?
    /// At the client, from the moment it begins to make the connection until the handshake is complete. QUIC: its first
    /// packet is made in this time. TLS: TCP's handshake is part of it.
    public var latency: LatencySummary?
    /// TLS: TCP's part of it.
    public var connectLatency: LatencySummary?
    /// The processor time that each end's whole process used in the window. The server's is absent where it doesn't tell.
    public var clientCPU: Duration?
    public var serverCPU: Duration?

    public init(kind: HandshakeKind) {
        self.kind = kind
        completed = 0
        failures = [:]
        mistaken = 0
        isPartial = false
    }

    public var failed: UInt64 { failures.values.reduce(0, +) }

    public var perSecond: Double? {
        guard let window, window > .zero, completed > 0 else { return nil }
        return Double(completed) / window.seconds
    }

    /// - Parameter time: One end's processor time.
    public func perHandshake(_ time: Duration?) -> Duration? {
        guard let time, completed > 0 else { return nil }
        return time / Double(completed)
    }
}

/// Why a handshake failed, as far as it helps to count.
public enum HandshakeFault: String, Sendable, Hashable, CaseIterable {
    /// No answer, or none in time.
    case timeout
    /// Nothing listens on the port any more.
    case connectionRefused = "connection_refused"
    /// The server shows another certificate than at first.
    case certificate
    /// The server refused it, or its answer made no sense.
    case protocolError = "protocol"
    /// No ticket to resume with came on the connection before.
    case noTicket = "no_ticket"
    /// Anything else: the connection was lost, or this host ran out of something.
    case other
}

/// How long something took, many times over.
public struct LatencySummary: Sendable, Hashable {
    public var minimum: Duration
    public var median: Duration
    public var percentile90: Duration
    public var percentile99: Duration
    public var maximum: Duration

    public init(
        minimum: Duration, median: Duration, percentile90: Duration, percentile99: Duration, maximum: Duration
    ) {
        self.minimum = minimum
        self.median = median
        self.percentile90 = percentile90
        self.percentile99 = percentile99
        self.maximum = maximum
    }
}
