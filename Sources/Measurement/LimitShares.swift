/// What can keep a sender from sending more at a moment. Exactly one of them does, at any time.
///
/// The raw values are the keys of the JSON document, and with `_ms` those of the control protocol.
public enum LimitCause: String, Sendable, Hashable, CaseIterable {
    /// As much is in flight as the congestion controller allows (RFC 9002 §7). Over TCP also what its pacing holds back:
    /// the kernel tells no more than that neither the peer's window nor the send buffer was it.
    case congestionWindow = "congestion_window"
    /// The congestion controller spreads what its window would allow (RFC 9002 §7.7).
    case pacing
    /// The peer's credit is used up: on the connection or on each stream (RFC 9000 §4.1), or TCP's receive window.
    case flowControl = "flow_control"
    /// The target rate that was asked for (`-b`): an application limit, in the terms of RFC 9002 §7.8.
    case targetBitrate = "target_bitrate"
    /// This program had nothing ready, for another reason than the target rate.
    case application
    /// The socket took no more.
    case socketBuffer = "socket_buffer"
    /// Nothing held it up: the sending thread was at work, or waited for a processor to be.
    case cpu
    /// There was nothing to send yet, or no more.
    case idle
}

/// What a sender's time went to: for each cause, how long it was what kept the sender from sending more.
///
/// The times add up to the time covered: all of a path report's but for pauses. Of several connections, each is the mean. A
/// cause that a transport can't tell isn't there, which is not the same as a cause that took no time.
public struct LimitShares: Sendable, Hashable {
    private var times: [LimitCause: Duration]

    /// - Parameter times: Of the causes that can be told. What is negative counts as zero.
    public init(_ times: [LimitCause: Duration]) { self.times = times.mapValues { max($0, .zero) } }

    /// nil for what this transport can't tell.
    public subscript(cause: LimitCause) -> Duration? { times[cause] }

    /// What the times add up to.
    public var covered: Duration { times.values.reduce(.zero, +) }

    /// From 0 to 1; nil for what this transport can't tell, and when no time is covered.
    public func share(of cause: LimitCause) -> Double? {
        let covered = covered
        guard let time = times[cause], covered > .zero else { return nil }
        return min(time / covered, 1)
    }

    /// What came in addition since an earlier state of the same sender.
    public func since(_ before: LimitShares) -> LimitShares {
        LimitShares(times.reduce(into: [:]) { $0[$1.key] = $1.value - (before[$1.key] ?? .zero) })
    }

    /// One sender's of several connections' that sent side by side; nil where one of them couldn't tell what another could.
    public static func mean(_ all: [LimitShares]) -> LimitShares? {
        guard let first = all.first, all.allSatisfy({ $0.times.keys == first.times.keys }) else { return nil }
        return LimitShares(
            first.times.keys.reduce(into: [:]) { mean, cause in
                mean[cause] = all.reduce(.zero) { $0 + ($1[cause] ?? .zero) } / all.count
            })
    }
}
