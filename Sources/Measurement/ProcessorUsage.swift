/// The processor time that one end of a test used to move the test's payload: that of its data-path threads, between the
/// first and the last payload of each.
public struct ProcessorUsage: Sendable, Hashable {
    /// Of all threads, in user mode and in the kernel. nil when one of them worked for other tests, too, whose part of its
    /// time can't be told apart.
    public var user: Duration?
    public var system: Duration?
    /// Each thread by itself; empty where the other end left them out.
    public var threads: [ThreadUsage]

    public init(user: Duration?, system: Duration?, threads: [ThreadUsage]) {
        self.user = user
        self.system = system
        self.threads = threads
    }

    /// The sum over all threads of an end; nil without any.
    public init?(_ threads: [ThreadUsage]) {
        guard !threads.isEmpty else { return nil }
        self.init(user: nil, system: nil, threads: threads)
        guard !threads.contains(where: \.isShared) else { return }
        user = threads.map(\.user).reduce(.zero, +)
        system = threads.map(\.system).reduce(.zero, +)
    }

    /// User mode and kernel together.
    public var total: Duration? {
        guard let user, let system else { return nil }
        return user + system
    }

    /// The thread that was at work for the largest part of its time.
    public var busiest: ThreadUsage? { threads.max { ($0.workShare ?? 0) < ($1.workShare ?? 0) } }

    /// The processor time for 10^9 bytes of payload, when so much was moved in all.
    public func perGigabyte(of payload: ByteCount) -> Duration? {
        guard let total, payload > .zero else { return nil }
        return total * (1e9 / Double(payload.bytes))
    }
}

/// One data-path thread of an end.
public struct ThreadUsage: Sendable, Hashable {
    /// What it does: `send 1` and `receive 1` of stream 1, or `endpoint 1`, which does both for a number of connections.
    public var name: String
    public var user: Duration
    public var system: Duration
    /// From its first payload to its last, or until now.
    public var elapsed: Duration
    /// The part of the time in which it looked out for packets, in vain, instead of sleeping.
    public var lookout: Duration
    /// It worked for other tests as well: its time is that of all of them.
    public var isShared: Bool

    public init(
        name: String, user: Duration, system: Duration, elapsed: Duration, lookout: Duration = .zero,
        isShared: Bool = false
    ) {
        self.name = name
        self.user = user
        self.system = system
        self.elapsed = elapsed
        self.lookout = lookout
        self.isShared = isShared
    }

    public var used: Duration { user + system }

    /// How much of a processor it used, 0 to 1; nil when no time passed.
    public var busyShare: Double? { share(of: used) }

    /// The same without its looking out, which it does only when it has nothing to do.
    public var workShare: Double? { share(of: used - lookout) }

    /// The clocks of time and of processor time are read one after the other, so a share may come out above 1.
    private func share(of part: Duration) -> Double? {
        guard elapsed > .zero else { return nil }
        return min(max(part / elapsed, 0), 1)
    }
}
