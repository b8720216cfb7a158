import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// A test at the client while its plane is open: what moves in each direction, and what came of it so far.
struct ClientRun: Sendable {
    let server: PeerProtocol
    let plan: DataPlan
    /// Present when the client sends; its rows come from the server.
    var sending: Sending?
    /// Present when the client receives; its rows come from its own plane.
    var receiving: Receiving?
    var result: ResultMessage?
    var isPaused = false
    /// The plane's failure, which is the test's unless the server's last messages explain it.
    var suspicion: TestFailure?
    /// Samples that were asked for and have not come. The final one is the one after which none is on its way.
    var samplesUnderWay = 0
    var lastSample: PlaneSample
    /// nil in a test that doesn't measure it.
    var latency: Latency?
    private let clockOffset: Duration?

    struct Sending: Sendable {
        var isDone = false
        /// Server's rows that wait for a sample of this end's path.
        var rows: [IntervalReport] = []
        var trail = PathTrail()
        var foreign = ForeignRows()
    }

    struct Receiving: Sendable {
        /// Rows that wait for the server's view of the path.
        var rows: [IntervalReport] = []
        var trail = PathTrail()
        /// Everything that complete rows have counted.
        var received = ByteCount.zero
        var totals: ReceivedTotals?
        /// The server's cumulative view of the path, as it last came.
        var lastPath: PathReport?
    }

    init(server: PeerProtocol, plan: DataPlan, first: PlaneSample) {
        self.server = server
        self.plan = plan
        lastSample = first
        clockOffset = first.clockOffset
        if plan.sends { sending = Sending() }
        if plan.receives { receiving = Receiving() }
        if plan.parameters.measuresLatency { latency = .idle }
    }

    /// By how much the wall clock was set since the plane was made.
    var clockStep: Duration? { lastSample.clockStep(since: clockOffset) }

    /// Everything that a complete test waits for is there.
    var isComplete: Bool { result != nil && isWindowClosed }
    var isWindowClosed: Bool { receiving == nil || receiving?.totals != nil }

    /// Nothing is left to do at this end.
    var isDoneHere: Bool { isWindowClosed && sending?.isDone != false }

    /// From the receiver's first byte to the last moment at which its streams may still end.
    var plannedEnd: Duration? { plan.limit.duration.map { $0 + plan.warmUp + Tunables.drain } }

    /// Silence for so long means that nobody is there.
    var idleLimit: Duration { Tunables.idle + plan.interval }
}
