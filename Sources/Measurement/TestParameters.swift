/// What moves the payload.
public enum TransportKind: String, Sendable, Hashable, CaseIterable {
    /// Streams, or datagrams, in one connection or several. The default.
    case quic
    /// TLS 1.3 over TCP, with QUIC's certificates; one connection per stream.
    case tls
    /// One connection per stream.
    case tcp
    /// One flow of numbered datagrams per stream; control goes over TCP.
    case udp
}

/// What a client asks for: one test, as both ends need to know it.
public struct TestParameters: Sendable, Hashable {
    /// QUIC unless told otherwise.
    public var transport: TransportKind
    /// An upload unless told otherwise. Every transport takes all three.
    public var direction: Direction
    /// Data streams per direction: 1 to 128, 1 unless told otherwise.
    public var streams: Int
    /// When a direction has sent enough: 10 s unless told otherwise.
    public var limit: TestLimit
    /// Time after the first payload byte that is left out of every total, in addition to the limit's. None by default.
    public var warmUp: Duration
    /// The length of an interval row: 1 s unless told otherwise, 100 ms at least.
    public var interval: Duration
    /// What each sending end aims at, over all its streams. nil is the transport's default: 1 Gbit/s over UDP, as fast as
    /// it goes on the others. 0 is as fast as it goes on all of them.
    public var targetBitrate: Bitrate?
    /// Random unless told otherwise.
    public var payload: PayloadContent
    /// What only some transports have.
    public var settings: TransportSettings
    /// Whether probes measure latency, for a second before the test and while payload moves. They don't unless told to.
    public var measuresLatency = false

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
