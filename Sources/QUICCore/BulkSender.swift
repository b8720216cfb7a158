/// What a connection still has to send as payload: N streams that draw from one budget until a deadline.
///
/// Pure bookkeeping; ``QUICConnection`` does the writing. Streams take turns by batch, not by packet: that costs the
/// same with 1 and with 128 of them.
struct BulkSender: ~Copyable {
    private let streams: UnsafeMutableBufferPointer<Stream>
    private var current = 0
    /// Bytes that may still be taken, over all streams.
    private(set) var remaining: UInt64
    /// Monotonic nanoseconds; past it every stream is ended.
    let deadline: UInt64
    private(set) var phase = Phase.sending

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

    /// A stream that can be written to now; nil when there is none.
    mutating func nextStream() -> UnsafeMutablePointer<Stream>? {
        guard phase != .done, let base = streams.baseAddress else { return nil }
        for _ in 0..<streams.count {
            let candidate = base + current
            if !candidate.pointee.isEnded, !candidate.pointee.isBlocked || phase == .ending { return candidate }
            rotate()
        }
        return nil
    }

    mutating func rotate() { current = current + 1 < streams.count ? current + 1 : 0 }

    mutating func took(_ count: UInt64, from stream: UnsafeMutablePointer<Stream>) {
        stream.pointee.offset += count
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
        if now >= deadline { finish() }
    }

    /// The peer gave credit: each stream may be tried again.
    mutating func unblock() {
        for index in streams.indices { streams[index].isBlocked = false }
    }

    /// Every stream, dropped: for an abort.
    mutating func abandon() {
        for index in streams.indices { streams[index].isEnded = true }
        phase = .done
    }
}
