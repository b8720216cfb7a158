import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateStatistics
import QrateTransportAPI

/// The data plane's half on the endpoint's thread: opens and fills the data streams of its connections, and measures what
/// arrives over all of them.
final class QUICPlaneCore {
    let plan: DataPlan
    /// How its connections were, or will be, made.
    let settings: ConnectionSettings
    let events: AsyncStream<PlaneEvent>.Continuation
    /// How many connections carry the streams.
    let connections: Int
    /// Those that are there, in the order of their places once all are.
    private(set) var members: [PlaneMember] = []
    weak var loop: EndpointLoop?

    var meter: ReceiveMeter
    var rowCount = 0
    var lastBatch = MonotonicTime(nanoseconds: 0)
    var hasReportedReceiving = false
    var hasReportedReceived = false
    /// Where payload comes in datagrams; nil where it comes on streams.
    let intake: DatagramIntake?
    /// When the last flow of datagrams was ended by its sender.
    var flowsEndedAt: MonotonicTime?
    /// The received counts of all connections side by side, where there are several.
    private let gathered: UnsafeMutableBufferPointer<UInt64>

    /// Waits until every connection is there and its peer allows enough streams.
    var waitingJob: SendJob?
    var sendingSince: MonotonicTime?
    var pace: PayloadPace?
    var hasReportedSent = false
    var isPaused = false
    /// When a peer stopped a stream long before its time.
    var stoppedAt: MonotonicTime?
    private(set) var isOver = false

    init(
        _ plan: DataPlan, _ events: AsyncStream<PlaneEvent>.Continuation, connections: Int,
        _ settings: ConnectionSettings, _ loop: EndpointLoop?
    ) {
        self.plan = plan
        self.events = events
        self.connections = connections
        self.settings = settings
        self.loop = loop
        meter = ReceiveMeter(
            streams: plan.streams, warmUp: plan.warmUp, interval: plan.interval, duration: plan.limit.duration,
            byteBudget: plan.limit.byteBudget)
        intake = plan.parameters.settings.usesDatagrams && plan.receives ? DatagramIntake(flows: plan.streams) : nil
        gathered = .allocate(capacity: plan.streams)
        gathered.initialize(repeating: 0)
    }

    deinit { gathered.deallocate() }

    /// Flows of datagrams need no streams but for their ends, which each sender opens.
    var kind: DataStreamKind {
        plan.direction == .bidirectional && !usesDatagrams ? .bidirectional : .unidirectional
    }

    var usesDatagrams: Bool { plan.parameters.settings.usesDatagrams }

    // MARK: Connections

    /// Takes a connection in whose handshake is complete.
    func attach(_ connection: QUICConnection, _ number: ConnectionNumber, place: Int, now: MonotonicTime) {
        guard !isOver, !members.contains(where: { $0.place == place }) else {
            return connection.close(code: CloseReason.refused.rawValue, reason: "the test is over")
        }
        let share = PlaneMember.share(place, of: connections, streams: plan.streams)
        members.append(
            PlaneMember(
                number: number, connection: connection, place: place, streams: share,
                baseline: connection.pathMetrics()))
        members.sort { $0.place < $1.place }
        if let byte = plan.parameters.settings.typeOfService { connection.typeOfService = byte }
        if let intake {
            intake.receive(place, on: connection)
        } else if plan.receives {
            connection.allowPayload(streams: share.count, kind: kind)
        }
        startIfAllowed(now: now)
    }

    /// Something changed that their turns don't know of: each gets one soon.
    func touch() {
        for member in members { loop?.touch(member.number) }
    }

    /// Closes the connections that are the plane's own.
    func closeConnections(_ reason: CloseReason, except control: ConnectionNumber) {
        for member in members where member.number != control {
            member.connection.close(code: reason.rawValue, reason: "\(reason)")
            loop?.touch(member.number)
        }
    }

    /// Payload received so far, per stream of the test.
    var counters: UnsafeBufferPointer<UInt64> {
        if let intake { return intake.counters }
        if members.count == 1, connections == 1 { return members[0].connection.received }
        for member in members {
            for (index, stream) in member.streams.enumerated() {
                gathered[stream] = member.connection.received[index]
            }
        }
        return UnsafeBufferPointer(gathered)
    }

    // MARK: Turns

    func deadline(_ place: Int) -> MonotonicTime {
        var deadline = meter.nextBoundary
        if let pace, !isPaused, !hasReportedSent { deadline = min(deadline, pace.nextGrant(place)) }
        if let flowsEndedAt, !hasReportedReceived { deadline = min(deadline, flowsEndedAt + Self.stragglers) }
        if let stoppedAt, !isOver { deadline = min(deadline, stoppedAt + Self.stopGrace) }
        return deadline
    }

    func willTurn(_ connection: QUICConnection, place: Int, now: MonotonicTime) {
        guard pace != nil, !isPaused else { return }
        connection.payloadAllowance = pace?.grant(place, now: now) ?? .max
    }

    func didTurn(_ connection: QUICConnection, place: Int, now: MonotonicTime) {
        if plan.receives { measure(connection, now: now) }
        guard plan.sends, !hasReportedSent, sendingSince != nil else { return }
        if pace != nil, !isPaused { settlePace(connection, place) }
        reportSent(now)
    }

    // MARK: Ending

    func failed(_ error: TransportError) {
        guard !isOver else { return }
        isOver = true
        events.yield(.failed(error))
        events.finish()
    }

    func ended() {
        isOver = true
        events.finish()
    }
}
