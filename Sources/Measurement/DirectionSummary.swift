/// The totals of one direction.
public struct DirectionSummary: Sendable, Hashable {
    /// Payload that the receiving application got inside the measured window.
    public var bytesReceived: ByteCount
    /// The measured window's length on the receiver's clock; nil when no payload byte arrived.
    public var duration: Duration?
    /// Payload that arrived after the window had closed. In no rate.
    public var drainedBytes: ByteCount
    /// Payload that arrived in the warm-up. In no rate.
    public var warmUpBytes: ByteCount
    /// Payload that the sending application handed to its stack over the whole test, warm-up included.
    public var bytesSent: ByteCount?
    /// `bytesReceived` and where it went, per stream 1...N. Empty when the peer didn't say.
    public var streams: [ByteCount]
    /// Whether every byte sent had arrived when the test ended. nil when the other end did not say.
    public var isComplete: Bool?
    /// What the receiver counted of datagrams; nil on transports that have none.
    public var datagrams: DatagramReport?
    /// What the receiver's kernel dropped because its socket had no room, in the kernel's unit and over the whole test, where
    /// `datagrams` doesn't say: on QUIC. nil where it isn't known whose datagrams they were.
    public var receiveBufferDrops: UInt64?
    /// nil for a test too short to tell, or whose receiver didn't.
    public var steadyState: SteadyState?

    public init(
        bytesReceived: ByteCount, duration: Duration?, drainedBytes: ByteCount = 0, warmUpBytes: ByteCount = 0,
        bytesSent: ByteCount? = nil, streams: [ByteCount] = [], isComplete: Bool? = nil,
        datagrams: DatagramReport? = nil, receiveBufferDrops: UInt64? = nil, steadyState: SteadyState? = nil
    ) {
        self.bytesReceived = bytesReceived
        self.duration = duration
        self.drainedBytes = drainedBytes
        self.warmUpBytes = warmUpBytes
        self.bytesSent = bytesSent
        self.streams = streams
        self.isComplete = isComplete
        self.datagrams = datagrams
        self.receiveBufferDrops = receiveBufferDrops
        self.steadyState = steadyState
    }

    /// Payload bits per second, counted by the receiver over its own clock.
    public var throughput: Bitrate? { duration.flatMap { Bitrate(bytesReceived, over: $0) } }

    /// Jain's fairness index of the streams: 1 when all got the same, 1/n when one got everything.
    public var fairnessIndex: Double? {
        PathSharing.fairnessIndex(streams.map { Double($0.bytes) })
    }
}
