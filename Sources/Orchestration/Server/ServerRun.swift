import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// A test at the server while its plane is open: what moves in each direction, and what came of it so far.
struct ServerRun: Sendable {
    let client: PeerProtocol
    let test: ServedTest
    let plan: DataPlan
    private let silence: Duration
    var clock: TestClock
    /// Present when the server sends.
    var sending: Sending?
    /// Present when the server receives.
    var receiving: Receiving?
    /// Samples that were asked for and have not come.
    var samplesUnderWay = 0
    var lastSample: PlaneSample
    private let clockOffset: Duration?
    /// Why it ended early, and how the session is closed.
    var failure: TestFailure?
    var closeReason = CloseReason.done
    var isClientGone = false
    /// What a client that isn't qrate was told last.
    var told = ForeignReport()

    struct Sending: Sendable {
        var isDone = false
        /// What the previous `interval` had said, per stream, and when.
        var reported: [ByteCount] = []
        var reportedAt = Duration.zero
        /// The receiving client's last word.
        var finalReport: WireTotals?
        /// It has come, or isn't waited for any more.
        var hasFinalReport = false
    }

    struct Receiving: Sendable {
        /// What complete rows have counted: per stream, and of datagrams.
        var counted: [ByteCount] = []
        var datagrams: DatagramReport?
        var totals: ReceivedTotals?
    }

    init(
        client: PeerProtocol, test: ServedTest, plan: DataPlan, silence: Duration, first: PlaneSample,
        now: MonotonicTime
    ) {
        self.silence = silence
        self.client = client
        self.test = test
        self.plan = plan
        clock = TestClock(startedAt: now)
        lastSample = first
        clockOffset = first.clockOffset
        if plan.sends { sending = Sending() }
        if plan.receives { receiving = Receiving() }
    }

    /// By how much the wall clock was set since the plane was made.
    var clockStep: Duration? { lastSample.clockStep(since: clockOffset) }

    var isWindowClosed: Bool { receiving == nil || receiving?.totals != nil }
    /// What the test waits for in an ordinary course has come. A client that sends no reports is not waited for.
    var isComplete: Bool {
        guard isWindowClosed else { return false }
        return sending.map { $0.isDone && ($0.hasFinalReport || !client.speaksQrate) } ?? true
    }

    /// A client that only receives, and is not qrate, has nothing to say: silence is its sign of life. A search for the
    /// path MTU moves no payload.
    var expectsSignsOfLife: Bool {
        (receiving != nil || client.speaksQrate) && !plan.parameters.settings.probesPathMTU
    }
    var idleLimit: Duration { silence + plan.interval }

    /// From the first byte to the last moment at which the streams may still end.
    var plannedEnd: Duration? { plan.limit.duration.map { $0 + plan.warmUp + Tunables.drain } }

    /// How long the rest of an upload is waited for once its sender is done. Datagrams don't say which is the last,
    /// unless a qrate sent them.
    var drainAfterFinish: Duration {
        client.speaksQrate || plan.parameters.transport.marksStreamEnds ? Tunables.drain : Tunables.datagramDrain
    }

    mutating func take(_ sample: PlaneSample) {
        samplesUnderWay = max(0, samplesUnderWay - 1)
        lastSample = sample
    }

    mutating func take(_ row: ReceivedInterval) { receiving?.take(row) }

    /// Later totals than the first are ignored.
    mutating func close(_ totals: ReceivedTotals) {
        if receiving != nil, receiving?.totals == nil { receiving?.totals = totals }
    }

    mutating func loseClient(_ failure: TestFailure) {
        isClientGone = true
        self.failure = self.failure ?? failure
    }

    var counts: ServedCounts {
        var counts = ServedCounts()
        counts.upload = receiving?.totals?.summary()
        counts.bytesSent = sending.flatMap { _ in lastSample.totalSent }
        counts.download = (try? sending?.finalReport?.summary(bytesSent: counts.bytesSent)) ?? nil
        counts.failure = failure
        return counts
    }
}

extension ServerRun.Receiving {
    fileprivate mutating func take(_ row: ReceivedInterval) {
        if counted.count < row.streams.count {
            counted += Array(repeating: .zero, count: row.streams.count - counted.count)
        }
        for (index, bytes) in row.streams.enumerated() { counted[index] += bytes }
        guard let added = row.datagrams else { return }
        var sum = datagrams ?? DatagramReport()
        // A plane's own counts, which can't come near the end of their range.
        sum.received &+= added.received
        sum.lost &+= added.lost
        sum.reordered &+= added.reordered
        sum.jitter = added.jitter ?? sum.jitter
        datagrams = sum
    }
}
