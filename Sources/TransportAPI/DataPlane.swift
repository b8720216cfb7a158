package import QrateMeasurement

/// N streams of payload that are started, sampled, stopped and drained together.
///
/// Everything here may be called from any task; the bytes move on the transport's own threads.
package protocol DataPlane: Sendable {
    /// What happens on the plane, in order, kept until it is read. One consumer.
    var events: AsyncStream<PlaneEvent> { get }
    /// Begins to send. No effect at an end that only receives.
    func start(_ job: SendJob)
    /// Stops sending for a while, or goes on. The time of a pause counts neither for the job's duration nor for the
    /// receiver's window; what is on its way still arrives and counts. Both ends of a test pause together.
    func setPaused(_ isPaused: Bool)
    /// Ends sending before the job is done.
    func stopSending(_ how: SendEnd)
    /// The state now: taken by the owning thread, all streams at one moment, counters since the plane began. Once the
    /// connection is gone or closed, the last state.
    func sample() async -> PlaneSample
    /// Closes the receiver's window now, if it is still open, and gives the final counts. Idempotent; answers also when
    /// the connection is gone or closed. The window's last row is an event like the others, and may still be on its way.
    func closeWindow() async -> ClosedWindow
}

/// What a receiver has when its window is closed.
package struct ClosedWindow: Sendable, Hashable {
    package var totals: ReceivedTotals
    /// How many rows the plane has given out as events: those that the totals are the sum of.
    package var rowCount: Int

    package init(_ totals: ReceivedTotals, rowCount: Int) {
        self.totals = totals
        self.rowCount = rowCount
    }
}

/// How a sender stops early.
package enum SendEnd: Sendable {
    /// Ends every stream in order: what was sent arrives.
    case finish
    /// Drops what the peer doesn't have yet.
    case abort
}

package enum PlaneEvent: Sendable {
    /// The receiver's first payload byte arrived: its window is open.
    case receiving
    /// A row of the receiver is complete.
    case interval(ReceivedInterval)
    /// Every stream has ended at the receiver, or the byte budget is in.
    case receiversDone(ReceivedTotals)
    /// The job is done: everything was handed to the stack and the streams were ended.
    case sendersDone
    /// The connection is gone. No event follows.
    case failed(TransportError)
}

/// One row of the receiver. Times count from its first payload byte.
package struct ReceivedInterval: Sendable, Hashable {
    package var start: Duration
    package var end: Duration
    package var isWarmUp: Bool
    /// Payload received in this row, per stream 1...N.
    package var streams: [ByteCount]
    package var datagrams: DatagramReport?

    package init(
        start: Duration, end: Duration, isWarmUp: Bool, streams: [ByteCount], datagrams: DatagramReport? = nil
    ) {
        self.start = start
        self.end = end
        self.isWarmUp = isWarmUp
        self.streams = streams
        self.datagrams = datagrams
    }

    package var total: ByteCount { streams.reduce(.zero, +) }
}

/// The receiver's counts over the whole test.
package struct ReceivedTotals: Sendable, Hashable {
    /// Payload inside the measured window, per stream 1...N.
    package var measured: [ByteCount]
    package var warmUp: ByteCount
    /// Payload that came after the window had closed.
    package var drained: ByteCount
    /// The measured window's length; nil when no payload came, or none after the warm-up.
    package var duration: Duration?
    /// Every stream was ended by its sender, so nothing is missing that its transport would have brought.
    package var isComplete: Bool
    package var datagrams: DatagramReport?
    /// nil before the window's end, and when it is too short to tell.
    package var steadyState: SteadyState?

    package init(
        measured: [ByteCount], warmUp: ByteCount, drained: ByteCount, duration: Duration?, isComplete: Bool,
        datagrams: DatagramReport? = nil, steadyState: SteadyState? = nil
    ) {
        self.measured = measured
        self.warmUp = warmUp
        self.drained = drained
        self.duration = duration
        self.isComplete = isComplete
        self.datagrams = datagrams
        self.steadyState = steadyState
    }

    package var total: ByteCount { measured.reduce(.zero, +) }

    /// The counts of a receiver that got nothing.
    package static func nothing(streams: Int) -> ReceivedTotals {
        ReceivedTotals(
            measured: Array(repeating: .zero, count: streams), warmUp: .zero, drained: .zero, duration: nil,
            isComplete: false)
    }
}

/// One end's state at one moment.
package struct PlaneSample: Sendable {
    /// Payload handed to the stack, per stream 1...N; nil at an end that doesn't send.
    package var sent: [ByteCount]?
    /// This end's view of the path.
    package var path: PathReport?
    package var settings: EffectiveSettings
    /// What the kernel dropped at this end's sockets since the plane began, because they had no room, where `datagrams` of
    /// the totals doesn't say; nil when that isn't known, or whose it was.
    package var receiveBufferDrops: UInt64?
    /// The wall clock less the monotonic one when the sample was taken; nil where nobody looked. It changes when somebody
    /// sets the wall clock.
    package var clockOffset: Duration?
    /// At a client, on QUIC: from the first packet of the session's connection until its handshake was confirmed.
    package var handshakeConfirmedAfter: Duration?
    /// What a search for the path MTU has found; nil when that isn't what the plane is for.
    package var pathMTU: PathMTUReport?
    /// What this end's data-path threads have used; nil before payload moved.
    package var cpu: ProcessorUsage?

    package init(sent: [ByteCount]? = nil, path: PathReport? = nil, settings: EffectiveSettings = EffectiveSettings()) {
        self.sent = sent
        self.path = path
        self.settings = settings
    }
}
