/// One row of a test: what the receiver got between two points of its clock.
public struct IntervalReport: Sendable, Hashable {
    /// Time since the receiver's first payload byte, as measured, not as planned.
    public var start: Duration
    public var end: Duration
    /// The row lies in the warm-up: it is shown and counts nowhere.
    public var isWarmUp: Bool
    public var upload: ByteCount?
    public var download: ByteCount?
    /// Payload received per stream, in the order of the stream indices 1...N. Empty when the peer didn't say.
    public var streams: [ByteCount]
    /// The sender's view of the path when the row ended. Its counters are those of the time since the row before, between
    /// the bounds that it has itself.
    public var path: PathReport?

    public init(
        start: Duration, end: Duration, isWarmUp: Bool, upload: ByteCount? = nil, download: ByteCount? = nil,
        streams: [ByteCount] = [], path: PathReport? = nil
    ) {
        self.start = start
        self.end = end
        self.isWarmUp = isWarmUp
        self.upload = upload
        self.download = download
        self.streams = streams
        self.path = path
    }

    public var length: Duration { end - start }
    public func received(_ direction: Direction) -> ByteCount? { direction == .upload ? upload : download }
}
