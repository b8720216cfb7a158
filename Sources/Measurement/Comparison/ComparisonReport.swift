/// Everything that a comparison found out.
public struct ComparisonReport: Sendable {
    public var id: String
    /// When the client began, seconds since 1970 (UTC).
    public var startedAt: Double
    public var parameters: ComparisonParameters
    /// In the order in which they ran; the last may lack tests, where it was stopped.
    public var rounds: [ComparisonRound]
    /// Each transport's figures, per direction, in the order of the parameters.
    public var figures: [TransportFigures]
    /// Every two of them, per direction.
    public var pairs: [TransportPair]
    /// Handshakes of those that have some of their own, cold and resumed; empty where the server has none to measure.
    public var handshakes: [TransportHandshakes]
    /// How they shared the path when they ran at the same time, per direction; empty where they didn't.
    public var sharing: [PathSharing]
    /// Why there were no more rounds.
    public var end: ComparisonEnd?
    public var warnings: [TestWarning]
    /// Present when the comparison didn't come to its planned end. What was measured until then stays in the report.
    public var failure: TestFailure?

    public init(id: String, startedAt: Double, parameters: ComparisonParameters) {
        self.id = id
        self.startedAt = startedAt
        self.parameters = parameters
        rounds = []
        figures = []
        pairs = []
        handshakes = []
        sharing = []
        warnings = []
    }

    /// The first test that got as far as to a server: what the ends are.
    public var example: TestReport? {
        let tests = rounds.lazy.flatMap(\.tests)
        return tests.first { $0.server != nil } ?? tests.first
    }
}

/// The tests of one round, in the order in which they ran.
public struct ComparisonRound: Sendable {
    /// From 1 on.
    public var number: Int
    public var tests: [TestReport]
    /// Those of all transports at the same time, where that was asked for.
    public var together: [TestReport]

    public init(number: Int, tests: [TestReport] = [], together: [TestReport] = []) {
        self.number = number
        self.tests = tests
        self.together = together
    }

    public func test(_ transport: TransportKind) -> TestReport? {
        tests.first { $0.parameters.transport == transport }
    }

    /// What a transport carried in this round; nil where its test failed or carried nothing.
    public func throughput(_ transport: TransportKind, _ direction: Direction) -> Bitrate? {
        guard let test = test(transport), test.failure == nil else { return nil }
        return test.summary(direction)?.throughput
    }
}

/// Why a comparison ended.
public enum ComparisonEnd: String, Sendable, Hashable, CaseIterable {
    /// The intervals are as narrow as was asked for, by what the first rounds said of the scatter.
    case precision
    case rounds
    /// The time is used up.
    case budget
    /// The user ended it.
    case interrupted
    /// One or more transports failed too often to go on.
    case failed
}

/// What one transport carried in one direction, over the rounds.
public struct TransportFigures: Sendable, Hashable {
    public var transport: TransportKind
    public var direction: Direction
    /// Per round, nil where its test failed.
    public var throughput: [Bitrate?]
    public var median: Bitrate?
    public var lowest: Bitrate?
    public var highest: Bitrate?
    /// The middle one of the rounds': from the client's first packet until data could flow.
    public var handshake: Duration?
    /// The processor time for 10^9 bytes of payload at each end, the middle one of the rounds'.
    public var clientCPU: Duration?
    public var serverCPU: Duration?
    /// Packets that the sender declared lost (QUIC) or segments that it sent again (TCP, TLS), as a share of those sent, over
    /// all rounds; datagrams that never came (UDP). nil where it isn't known.
    public var lossRatio: Double?
    /// What limited most of the rounds.
    public var limit: LimitVerdict.Limit?
    /// By how much the 95th percentile of the probes' round trips rose under load, the middle one of the rounds'; nil where
    /// no latency was measured.
    public var latencyIncrease: Duration?
    /// Why tests failed, and in how many rounds.
    public var failures: [TestFailure]

    public init(_ transport: TransportKind, _ direction: Direction) {
        self.transport = transport
        self.direction = direction
        throughput = []
        failures = []
    }
}

/// The handshakes of one transport.
public struct TransportHandshakes: Sendable, Hashable {
    public var transport: TransportKind
    /// One per kind, with TCP's handshake in it over TLS.
    public var phases: [HandshakePhaseReport]

    public init(_ transport: TransportKind, phases: [HandshakePhaseReport]) {
        self.transport = transport
        self.phases = phases
    }

    /// The middle one's time; nil where none of that kind was completed.
    public func median(_ kind: HandshakeKind) -> Duration? {
        phases.first { $0.kind == kind }.flatMap { $0.latency?.median }
    }
}

/// How one transport compares with another, in one direction.
public struct TransportPair: Sendable, Hashable {
    public var transport: TransportKind
    public var other: TransportKind
    public var direction: Direction
    /// Rounds in which both carried something.
    public var rounds: Int
    /// What `transport` carries of `other`: the geometric mean of the rounds' ratios. nil without a round.
    public var ratio: Double?
    /// 95 %; nil with fewer than two rounds.
    public var interval: RatioInterval?
    /// In what else than the transport the two differed: with any, neither is called faster.
    public var differences: [ComparabilityDifference]
    public var verdict: Verdict

    /// What the rounds say about the two figures, not yet why.
    public enum Verdict: String, Sendable, Hashable, CaseIterable {
        case more
        case less
        /// Nearer to each other than the precision that was asked for, whether or not a difference can be told.
        case alike
        /// The interval holds no difference, and more than the precision.
        case undecided
        /// One of them carried nothing, or there are too few rounds.
        case unknown
    }

    public init(_ transport: TransportKind, _ other: TransportKind, _ direction: Direction) {
        self.transport = transport
        self.other = other
        self.direction = direction
        rounds = 0
        differences = []
        verdict = .unknown
    }
}

/// A condition that wasn't the same for both: the names of the comparability record.
public struct ComparabilityDifference: Sendable, Hashable {
    public var field: Field
    /// As in `bbr`; of the pair's transport, and of the other.
    public var value: String
    public var other: String

    public enum Field: String, Sendable, Hashable, CaseIterable {
        case congestionController = "congestion"
        case cipher
        /// The library that seals and opens.
        case aead
        /// The largest UDP payload or TCP segment: how many packets a byte takes.
        case packetSize = "packet_size"
        /// How many congestion-controlled flows share the path.
        case connections
        case zeroCopy = "zerocopy"
        case skipsReceiveCopy = "skip_receive_copy"
        case typeOfService = "tos"
        /// Payload in datagrams that nobody repeats, beside a stream.
        case reliability
    }

    public init(_ field: Field, _ value: String, _ other: String) {
        self.field = field
        self.value = value
        self.other = other
    }
}
