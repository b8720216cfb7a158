/// What moves the payload.
public enum TransportKind: String, Sendable, Hashable, CaseIterable {
    case quic
    case tls
    case tcp
    case udp
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
    /// What each sending end aims at, over all its streams; nil for as fast as it goes.
    public var targetBitrate: Bitrate?
    public var payload: PayloadContent
    public var settings: TransportSettings

    public static let streamLimits = 1...128
    public static let defaultDuration = Duration.seconds(10)
    public static let longestTest = Duration.seconds(3600)
    public static let shortestInterval = Duration.milliseconds(100)

    public init(
        transport: TransportKind = .quic, direction: Direction = .upload, streams: Int = 1,
        limit: TestLimit = .duration(defaultDuration), warmUp: Duration = .zero, interval: Duration = .seconds(1),
        targetBitrate: Bitrate? = nil, payload: PayloadContent = .random,
        settings: TransportSettings = TransportSettings()
    ) {
        self.transport = transport
        self.direction = direction
        self.streams = streams
        self.limit = limit
        self.warmUp = warmUp
        self.interval = interval
        self.targetBitrate = targetBitrate
        self.payload = payload
        self.settings = settings
    }
}

/// What the payload's bytes are.
public enum PayloadContent: String, Sendable, Hashable, CaseIterable {
    /// Incompressible: what a path that compresses can't make look fast.
    case random
    case zeros
}
