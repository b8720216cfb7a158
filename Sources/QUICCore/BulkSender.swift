/// What a connection still has to send as payload: N streams that draw from one budget until a deadline.
///
/// Pure bookkeeping; ``QUICConnection`` does the writing. Streams take turns by batch, not by packet: that costs the
/// same with 1 and with 128 of them.
struct BulkSender: ~Copyable {
    private let streams: UnsafeMutableBufferPointer<Stream>
    private var current = 0
    /// Bytes that may still be taken, over all streams.
    private(set) var remaining: UInt64
    /// Bytes that may be taken now, over all streams: what pacing gives out.
    var allowance = UInt64.max
    /// Monotonic nanoseconds; past it every stream is ended.
    private(set) var deadline: UInt64
    private(set) var phase = Phase.sending
    /// Since when nothing is taken, while that is so.
    private var pausedAt: UInt64?

    enum Phase {
        case sending
        /// Budget or time is used up: each stream still needs its FIN sent.
        case ending
        case done
    }

    struct Stream {
        let id: Int64
        /// Bytes handed to the library, which is the stream's offset.
        var offset: UInt64 = 0
        /// Flow control stops this stream until the peer extends it.
        var isBlocked = false
        var isEnded = false
        /// The peer opens it, and hasn't yet.
        var isAwaited = false
    }

    init(streamIDs: [Int64], byteBudget: UInt64?, deadline: UInt64?) {
        streams = .allocate(capacity: streamIDs.count)
        _ = streams.initialize(fromContentsOf: streamIDs.map { Stream(id: $0) })
        remaining = byteBudget ?? .max
        self.deadline = deadline ?? .max
        if remaining == 0 { phase = .ending }
        if streamIDs.isEmpty { phase = .done }
    }

    deinit { streams.deallocate() }

    /// Payload handed to the library, per stream.
    var sent: [UInt64] { streams.map(\.offset) }
    var sentTotal: UInt64 { streams.reduce(0) { $0 &+ $1.offset } }

    /// The IDs of those that exist and aren't ended.
    var openStreams: [Int64] { streams.filter { !$0.isEnded && !$0.isAwaited }.map(\.id) }

    /// How much may be taken now.
    var available: UInt64 { min(remaining, allowance) }

    /// A stream that can be written to now; nil when there is none.
    mutating func nextStream() -> UnsafeMutablePointer<Stream>? {
        guard phase != .done, let base = streams.baseAddress else { return nil }
        if phase == .sending, allowance == 0 || pausedAt != nil { return nil }
        for _ in 0..<streams.count {
            let candidate = base + current
            if !candidate.pointee.isEnded, !candidate.pointee.isAwaited,
                !candidate.pointee.isBlocked || phase == .ending
            {
                return candidate
            }
            rotate()
        }
        return nil
    }

    mutating func rotate() { current = current + 1 < streams.count ? current + 1 : 0 }

    mutating func took(_ count: UInt64, from stream: UnsafeMutablePointer<Stream>) {
        stream.pointee.offset += count
        if allowance != .max { allowance -= min(count, allowance) }
        guard remaining != .max else { return }
        remaining -= min(count, remaining)
        if remaining == 0, phase == .sending { phase = .ending }
    }

    mutating func ended(_ stream: UnsafeMutablePointer<Stream>) {
        stream.pointee.isEnded = true
        if streams.allSatisfy(\.isEnded) { phase = .done }
    }

    /// No more payload; what was sent is ended in order.
    mutating func finish() {
        if phase == .sending { phase = .ending }
    }

    mutating func checkDeadline(_ now: UInt64) {
        if pausedAt == nil, now >= deadline { finish() }
    }

    /// When time is up; nil while that doesn't matter.
    var timer: UInt64? { phase == .sending && pausedAt == nil && deadline != .max ? deadline : nil }

    /// Whether so much time was left at `now` that a peer which wants no more wants it early.
    func isEarly(_ now: UInt64, tolerance: UInt64) -> Bool {
        phase == .sending && (deadline == .max || deadline > now && deadline - now > tolerance)
    }

    var isPaused: Bool { pausedAt != nil }

    /// Takes nothing from `now` on, or goes on: the deadline moves by the pause.
    mutating func setPaused(_ isPaused: Bool, now: UInt64) {
        if isPaused {
            if pausedAt == nil { pausedAt = now }
        } else if let since = pausedAt {
            pausedAt = nil
            if deadline != .max { deadline &+= now &- since }
        }
    }

    /// The peer gave credit: each stream may be tried again.
    mutating func unblock() {
        for index in streams.indices { streams[index].isBlocked = false }
    }

    /// Whether the peer's flow control stops every stream that has payload to send. Stops at the first that it doesn't.
    var isBlocked: Bool {
        var isAnyBlocked = false
        for stream in streams where !stream.isEnded && !stream.isAwaited {
            guard stream.isBlocked else { return false }
            isAnyBlocked = true
        }
        return isAnyBlocked
    }

    /// Whether the peer has opened none of the streams yet that are still to be sent on.
    var isAwaitingPeer: Bool { streams.allSatisfy { $0.isEnded || $0.isAwaited } }

    /// The streams for which `isOpen` doesn't hold are left alone until ``opened(_:)``.
    mutating func await(unless isOpen: (Int64) -> Bool) {
        for index in streams.indices { streams[index].isAwaited = !isOpen(streams[index].id) }
    }

    mutating func opened(_ id: Int64) {
        for index in streams.indices where streams[index].id == id { streams[index].isAwaited = false }
    }

    /// The peer will never open it.
    mutating func abandonAwaited(_ id: Int64) {
        guard let base = streams.baseAddress else { return }
        for index in streams.indices where streams[index].id == id && streams[index].isAwaited { ended(base + index) }
    }

    /// Every stream, dropped: for an abort.
    mutating func abandon() {
        for index in streams.indices { streams[index].isEnded = true }
        phase = .done
    }
}
