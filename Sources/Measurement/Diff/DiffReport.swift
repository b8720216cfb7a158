/// How one saved measurement compares with an earlier one of the same test.
public struct DiffReport: Sendable, Hashable {
    public var before: SavedMeasurement
    public var after: SavedMeasurement
    /// As it was given: what is nearer than this share is no difference. nil for the default, which depends on whether there
    /// are rounds.
    public var threshold: Double?
    /// One for each transport and direction.
    public var rows: [DiffRow]
    /// What wasn't asked for and yet was another in the later one: it may be why.
    public var changes: [DiffChange]

    /// What a single result must differ by where nobody says: two of them differ by 10 % once in twenty times by chance when
    /// single tests scatter by 3.6 %, as they do on a fairly steady path (10 % / (1.96 √2)).
    public static let defaultThreshold = 0.1
    public static let thresholdLimits = 0.0...0.99

    public init(before: SavedMeasurement, after: SavedMeasurement, threshold: Double? = nil) {
        self.before = before
        self.after = after
        self.threshold = threshold
        rows = []
        changes = []
    }

    /// Whether the later one carries less of anything.
    public var isRegression: Bool { rows.contains { $0.verdict == .regression } }
}

/// One transport in one direction, before and after.
public struct DiffRow: Sendable, Hashable {
    public var transport: TransportKind
    public var direction: Direction
    public var before: Figure
    public var after: Figure
    /// What the later one carries of the earlier one: the ratio of the geometric means. nil when one carried nothing.
    public var ratio: Double?
    /// 95 %; nil unless both have two rounds at least.
    public var interval: RatioInterval?
    /// The share that decided, together with the interval where there is one.
    public var threshold: Double
    public var verdict: Verdict

    public struct Figure: Sendable, Hashable {
        /// Those that came to their end.
        public var tests: Int
        /// The geometric mean of their throughput; nil for none.
        public var throughput: Bitrate?

        public init(tests: Int, throughput: Bitrate?) {
            self.tests = tests
            self.throughput = throughput
        }
    }

    public enum Verdict: String, Sendable, Hashable, CaseIterable {
        /// The later one carries less, and more so than chance and the threshold allow; or nothing where there was something.
        case regression
        case improvement
        /// They differ, but by less than the threshold.
        case small
        /// No difference can be told.
        case none
        /// Neither carried anything.
        case unknown
    }

    public init(
        _ transport: TransportKind, _ direction: Direction, before: Figure, after: Figure, threshold: Double,
        verdict: Verdict = .unknown
    ) {
        self.transport = transport
        self.direction = direction
        self.before = before
        self.after = after
        self.threshold = threshold
        self.verdict = verdict
    }
}

/// A setting that was another before than after.
public struct DiffChange: Sendable, Hashable {
    public var field: String
    /// nil where the document doesn't say.
    public var before: SavedCondition.Value?
    public var after: SavedCondition.Value?

    public init(_ field: String, _ before: SavedCondition.Value?, _ after: SavedCondition.Value?) {
        self.field = field
        self.before = before
        self.after = after
    }
}
