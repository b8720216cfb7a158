/// The kernel's view of a test's TCP connections (tcp(7), TCP_INFO). Gauges of several connections: times are their mean,
/// sizes and rates their sum. nil is "not told by this kernel".
public struct TCPPathMetrics: Sendable, Hashable {
    public var smoothedRTT: Duration?
    public var rttVariation: Duration?
    public var minRTT: Duration?
    public var congestionWindow: ByteCount?
    /// Segments sent again, since `start`.
    public var retransmissions: UInt64?
    public var deliveryRate: Bitrate?
    /// What the kernel paces to; nil where it doesn't.
    public var pacingRate: Bitrate?
    /// Time with data to send or unacknowledged, since `start`, and the parts of it that the peer's receive window or
    /// this end's send buffer held it up. Of several connections, the mean.
    public var busyTime: Duration?
    public var receiveWindowLimitedTime: Duration?
    public var sendBufferLimitedTime: Duration?
    public var maxSegmentSize: ByteCount?
    /// Payload that the peer's kernel has acknowledged, since `start`.
    public var bytesAcknowledged: ByteCount?

    public init() {}
}
