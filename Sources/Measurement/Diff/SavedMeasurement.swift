/// A result or a comparison that was saved earlier, as far as another one can be held against it.
public struct SavedMeasurement: Sendable, Hashable {
    /// As the user wrote it: a file's name, or `-`.
    public var name: String
    public var id: String?
    /// As the document has it: RFC 3339.
    public var startedAt: String?
    /// The client's software, as in `qrate/0.1.0`, and that of the server.
    public var client: String?
    public var server: String?
    /// One for each transport and direction, in the document's order.
    public var series: [SavedSeries]

    public init(
        name: String, id: String? = nil, startedAt: String? = nil, client: String? = nil, server: String? = nil,
        series: [SavedSeries] = []
    ) {
        self.name = name
        self.id = id
        self.startedAt = startedAt
        self.client = client
        self.server = server
        self.series = series
    }
}

/// What one transport carried in one direction.
public struct SavedSeries: Sendable, Hashable {
    public var transport: TransportKind
    /// Never both at once.
    public var direction: Direction
    /// Of the tests that went to their end, in their order: one for a result, one per round for a comparison.
    public var throughput: [Bitrate]
    /// What the tests were.
    public var conditions: [SavedCondition]

    public init(
        _ transport: TransportKind, _ direction: Direction, throughput: [Bitrate] = [],
        conditions: [SavedCondition] = []
    ) {
        self.transport = transport
        self.direction = direction
        self.throughput = throughput
        self.conditions = conditions
    }

    public func condition(_ field: String) -> SavedCondition? { conditions.first { $0.field == field } }
}

/// One setting of a saved test.
public struct SavedCondition: Sendable, Hashable {
    /// Its place in the test's object, as in `test.streams`.
    public var field: String
    public var value: Value
    public var weight: Weight

    public init(_ field: String, _ value: Value, _ weight: Weight) {
        self.field = field
        self.value = value
        self.weight = weight
    }

    /// What another value means.
    public enum Weight: Sendable, Hashable {
        /// Another test: it was asked for. Where it isn't there, the default was.
        case asked
        /// Another test, where both say it: nobody needs to have asked for it, and it decides about throughput by itself.
        case decisive
        /// The same test, and perhaps the reason for another figure.
        case noted
    }

    public enum Value: Sendable, Hashable {
        case text(String)
        case number(Double)
        /// In bytes. It may differ by a tenth: the search for the path MTU doesn't always end in the same place.
        case packetSize(Double)

        /// Whether two tests with these values are the same in this.
        public func isAlike(_ other: Value) -> Bool {
            if case .packetSize(let one) = self, case .packetSize(let two) = other {
                return max(one, two) * 10 <= min(one, two) * 11
            }
            return self == other
        }
    }
}

extension SavedCondition.Value: CustomStringConvertible {
    /// `bbr`, `4`, `0.5`.
    public var description: String {
        switch self {
        case .text(let text): text
        case .number(let number), .packetSize(let number):
            Int64(exactly: number).map { "\($0)" } ?? fixedPoint(number, decimals: 3)
        }
    }
}
