/// One row of a test: what the receiver of one direction got between two points of its clock.
public struct IntervalReport: Sendable, Hashable {
    /// Never both: the two directions of a test have clocks and rows of their own.
    public var direction: Direction
    /// Time since the receiver's first payload byte, as measured, not as planned.
    public var start: Duration
    public var end: Duration
    /// The row lies in the warm-up: it is shown and counts nowhere.
    public var isWarmUp: Bool
    public var bytesReceived: ByteCount
    /// Payload received per stream, in the order of the stream indices 1...N. Empty when the peer didn't say.
    public var streams: [ByteCount]
    /// What the receiver counted of datagrams in this row; nil on transports that have none.
    public var datagrams: DatagramReport?
    /// The sender's view of the path when the row ended. Its counters are those of the time since the row before, between
    /// the bounds that it has itself.
    public var path: PathReport?

    public init(
        _ direction: Direction, start: Duration, end: Duration, isWarmUp: Bool, bytesReceived: ByteCount,
        streams: [ByteCount] = [], datagrams: DatagramReport? = nil, path: PathReport? = nil
    ) {
        self.direction = direction
        self.start = start
        self.end = end
        self.isWarmUp = isWarmUp
        self.bytesReceived = bytesReceived
        self.streams = streams
        self.datagrams = datagrams
        self.path = path
    }

    public var length: Duration { end - start }
    /// Of the row's bytes per stream; nil with fewer than two streams, and without payload.
    public var fairnessIndex: Double? { PathSharing.fairnessIndex(streams.map { Double($0.bytes) }) }
    /// nil when the row is the other direction's.
    public func received(_ direction: Direction) -> ByteCount? { direction == self.direction ? bytesReceived : nil }
}
