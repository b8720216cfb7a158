/// What moves the payload.
public enum TransportKind: String, Sendable, Hashable, CaseIterable {
    case quic
}

/// When a direction has sent enough. With both, whichever ends first.
public struct TestLimit: Sendable, Hashable {
    /// The length of the measured window; the warm-up comes in addition.
    public var duration: Duration?
    /// Payload bytes per direction, shared by all its streams.
    public var byteBudget: ByteCount?

    private init(duration: Duration?, byteBudget: ByteCount?) {
        self.duration = duration
        self.byteBudget = byteBudget
    }

    public static func duration(_ duration: Duration) -> TestLimit { TestLimit(duration: duration, byteBudget: nil) }
    public static func bytes(_ budget: ByteCount) -> TestLimit { TestLimit(duration: nil, byteBudget: budget) }
    public static func whicheverFirst(_ duration: Duration, _ budget: ByteCount) -> TestLimit {
        TestLimit(duration: duration, byteBudget: budget)
    }
}

/// What a client asks for: one test, as both ends need to know it.
public struct TestParameters: Sendable, Hashable {
    public var transport: TransportKind
    public var direction: Direction
    /// Data streams per direction.
    public var streams: Int
    public var limit: TestLimit
    /// Time after the first payload byte that is left out of every total.
    public var warmUp: Duration
    /// The length of an interval row.
    public var interval: Duration

    public static let streamLimits = 1...128
    public static let defaultDuration = Duration.seconds(10)
    public static let longestTest = Duration.seconds(3600)
    public static let shortestInterval = Duration.milliseconds(100)

    public init(
        transport: TransportKind = .quic, direction: Direction = .upload, streams: Int = 1,
        limit: TestLimit = .duration(defaultDuration), warmUp: Duration = .zero, interval: Duration = .seconds(1)
    ) {
        self.transport = transport
        self.direction = direction
        self.streams = streams
        self.limit = limit
        self.warmUp = warmUp
        self.interval = interval
    }
}
