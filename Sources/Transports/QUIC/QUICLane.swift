import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSecurity
import QrateSockets
import QrateStatistics
import QrateTransportAPI

/// One connection of a data plane, on the thread of the connection's endpoint: opens and fills its data streams, and tells
/// the plane what arrived on them.
///
/// `@unchecked Sendable`: other threads hold it to name it in work that they post to the endpoint; everything that changes
/// is touched on the endpoint's thread alone.
final class QUICLane: @unchecked Sendable {
    let plane: QUICDataPlane
    let number: ConnectionNumber
    let connection: QUICConnection
    /// Which of the plane's connections it is, from 0 on.
    let place: Int
    /// The test's streams that it carries, 0 for stream 1.
    let streams: Range<Int>
    let endpoint: QUICEndpoint
    /// Whether it is the plane's own, and ends with it: not the one that carries control.
    let isOwn: Bool
    /// What the connection had counted before this test.
    private let baseline: QUICPathMetrics
    /// What it shares with the plane's other lanes on its thread.
    let meter: EndpointMeter
    private let socket: LaneSocket
    weak var loop: EndpointLoop?

    // What it receives.
    /// Where payload comes in datagrams; nil where it comes on streams.
    let intake: DatagramIntake?
    /// When the last batch came, and what was counted until then.
    var lastBatch = MonotonicTime(nanoseconds: 0)
    var counted: UInt64 = 0
    /// Whether it has counted any payload: before that each batch is counted by itself, so that the window opens in time.
    var hasCounted = false
    /// When the plane's next row ends, as far as this lane knows.
    var nextBoundary = MonotonicTime.never
    var hasReceived = false
    /// When its sender ended the flow of datagrams, while some are missing.
    var flowEndedAt: MonotonicTime?

    // What it sends.
    var isReady = false
    var isSending = false
    /// Whether it asks before it sends: a target rate, or a budget shared with others.
    var isPaced = false
    var isPaused = false
    var isStopped = false
    var hasSent = false
    var nextGrant = MonotonicTime.never
    /// What its time goes to, since the plane began to send.
    var limits: LimitClock?
    /// Whether its allowance follows from a target rate, and not only from a shared budget.
    var isRatePaced = false
    /// When a peer stopped a stream long before its time.
    var stoppedAt: MonotonicTime?

    /// A connection whose handshake is complete.
    init(
        _ plane: QUICDataPlane, _ connection: QUICConnection, _ number: ConnectionNumber, place: Int, isOwn: Bool,
        _ loop: EndpointLoop
    ) {
        self.plane = plane
        self.connection = connection
        self.number = number
        self.place = place
        self.isOwn = isOwn
        self.loop = loop
        endpoint = loop.endpoint
        streams = Self.share(place, of: plane.connections, streams: plane.plan.streams)
        baseline = connection.pathMetrics()
        meter = plane.meter(on: loop, isOwn: isOwn)
        meter.add(connection)
        socket = LaneSocket(loop)
        let plan = plane.plan
        if let byte = plan.parameters.settings.typeOfService { connection.typeOfService = byte }
        intake =
            plan.receives && plane.usesDatagrams ? DatagramIntake(flow: place, of: plane.window, on: connection) : nil
        if plan.receives, intake == nil { connection.allowPayload(streams: streams.count, kind: plane.kind) }
    }

    /// The streams of each connection: as even as can be, the first ones have one more.
    static func share(_ place: Int, of connections: Int, streams: Int) -> Range<Int> {
        let each = streams / max(connections, 1), extra = streams % max(connections, 1)
        let start = place * each + min(place, extra)
        return start..<start + each + (place < extra ? 1 : 0)
    }

    var plan: DataPlan { plane.plan }

    /// Runs `body` on the lane's thread, soon.
    func post(_ body: @escaping @Sendable (QUICLane) -> Void) { endpoint.post { [self] _ in body(self) } }

    /// Something changed that its turns don't know of: it gets one soon.
    func touch() { loop?.touch(number) }

    // MARK: Turns

    var deadline: MonotonicTime {
        var deadline = nextBoundary
        if isPaced, !isPaused, !hasSent { deadline = min(deadline, nextGrant) }
        if let flowEndedAt { deadline = min(deadline, flowEndedAt + Self.stragglers) }
        if let stoppedAt { deadline = min(deadline, stoppedAt + Self.stopGrace) }
        return deadline
    }

    func willTurn(now: MonotonicTime) {
        guard isPaced, !isPaused, !hasSent else { return }
        connection.payloadAllowance = plane.pacing.grant(place, now: now)
    }

    func didTurn(now: MonotonicTime) {
        if plan.receives { measure(now) }
        guard isSending, !hasSent else { return }
        if isPaced, !isPaused { settlePace() }
        reportSent(now)
    }

    // MARK: Ending

    /// The connection is over: what it has counted is kept.
    func end(now: MonotonicTime) {
        settle()
        stoppedAt = nil
        meter.end(place: place)
        meter.remove(connection)
        plane.laneEnded(self, sample(now: now))
    }

    /// Ends the connection with the plane, if it is the plane's own.
    func close(_ reason: CloseReason) {
        guard isOwn else { return }
        connection.close(code: reason.rawValue, reason: "\(reason)")
        touch()
    }

    func sample(now: MonotonicTime) -> LaneSample {
        let common = endpoint.socket
        return LaneSample(
            takenAt: now, sent: connection.sent, metrics: connection.pathMetrics().since(baseline),
            ecnValidated: connection.ecnValidated, aead: connection.aead?.rawValue,
            datagramUnit: plan.sends ? connection.datagramUnit : nil,
            usesSegmentation: common.usesSegmentation, coalescesReceives: common.coalescesReceives,
            sendBuffer: common.grantedSendBuffer, receiveBuffer: common.grantedReceiveBuffer,
            socket: socket.sample(loop), number: number, isOwn: isOwn,
            thread: ObjectIdentifier(endpoint), cpu: meter.usage(), limits: limits?.shares(at: now))
    }
}
