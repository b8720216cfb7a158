/// What one end's transport knows of the path, with the bounds of the time it counted over.
public struct PathReport: Sendable, Hashable {
    /// Whose stack says so: the sender's, unless the direction has no other.
    public var observedBy: Role
    /// Time since that end began to send (or, at a receiver, since its first payload byte).
    public var start: Duration
    public var end: Duration
    public var metrics: PathMetrics
    /// What the time from `start` to `end` went to at a sender; nil at an end that only receives, and where it isn't known.
    public var limits: LimitShares?

    public init(
        observedBy: Role, start: Duration, end: Duration, metrics: PathMetrics, limits: LimitShares? = nil
    ) {
        self.observedBy = observedBy
        self.start = start
        self.end = end
        self.metrics = metrics
        self.limits = limits
    }
}

/// What only one transport can tell.
public enum PathMetrics: Sendable, Hashable {
    case quic(QUICPathMetrics)
    /// TCP's, also where TLS is over it.
    case tcp(TCPPathMetrics)
    case udp(UDPPathMetrics)
}

/// QUIC's state of one path. Names are those of RFC 9002; nil is "not measured".
public struct QUICPathMetrics: Sendable, Hashable {
    public var smoothedRTT: Duration?
    public var latestRTT: Duration?
    public var minRTT: Duration?
    public var rttVariation: Duration?
    public var congestionWindow: ByteCount?
    public var bytesInFlight: ByteCount?
    /// nil before the first loss, while slow start is not yet bounded.
    public var slowStartThreshold: ByteCount?
    /// Packets declared lost that carried stream data, since `start`. ngtcp2 0.12.1 counts no others.
    public var streamPacketsLost: UInt64?
    /// Datagrams and UDP payload bytes handed to the socket and taken from it, since `start`.
    public var datagramsSent: UInt64?
    public var datagramsReceived: UInt64?
    /// System calls that the datagrams sent took: with segmentation offload one takes a whole train of them.
    public var sendCalls: UInt64?
    /// Datagrams that this end's kernel refused to take (ENOBUFS), since `start`. Among `datagramsSent`.
    public var sendDrops: UInt64?
    /// The largest UDP payload that the path carries as known now (RFC 8899).
    public var maxUDPPayload: ByteCount?
    /// What the peer lets this end send beyond what it has sent (RFC 9000 §4.1): on the whole connection, and on that of the
    /// data streams under way which has least. nil where no stream data is sent.
    public var connectionCredit: ByteCount?
    public var streamCredit: ByteCount?
    public var packets: QUICPacketCounts?

    public init() {}

    /// Datagrams that a system call for sending took, on average.
    public var datagramsPerSendCall: Double? {
        guard let datagramsSent, let sendCalls, sendCalls > 0 else { return nil }
        return Double(datagramsSent) / Double(sendCalls)
    }
}
