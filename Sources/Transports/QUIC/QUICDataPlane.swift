import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSockets
import QrateTransportAPI
import Synchronization

/// N streams of one QUIC connection or several. Each connection is a ``QUICLane`` on its endpoint's thread; this is what
/// they share, and the handle of those who run the test.
///
/// What arrives, all of them count into one ``ReceiverWindow``; what they may send, ``PlanePacing`` tells them. They begin
/// together, once every one of them is there and its peer allows enough streams.
final class QUICDataPlane: DataPlane {
    let events: AsyncStream<PlaneEvent>
    let plan: DataPlan
    /// How its connections were, or will be, made.
    let settings: ConnectionSettings
    /// How many connections carry the streams.
    let connections: Int
    let window: ReceiverWindow
    let pacing = PlanePacing()
    /// The test's latency probes that come to this server past QUIC.
    let probes = ProbeCount()
    private let continuation: AsyncStream<PlaneEvent>.Continuation
    private let state: Mutex<State>

    private struct State {
        var slots: [Slot]
        /// One for each endpoint's thread.
        var meters: [ObjectIdentifier: EndpointMeter] = [:]
        /// The session's own connection, and its thread.
        var control: (endpoint: ObjectIdentifier, number: ConnectionNumber)?
        /// Waits until every connection is ready.
        var job: SendJob?
        var ready: Set<Int> = []
        var sendingSince: MonotonicTime?
        var hasSent: Set<Int> = []
        var isPaused = false
        var isOver = false
        var handshakeConfirmedAfter: Duration?
    }

    private enum Slot {
        case missing
        case live(QUICLane)
        /// The connection is gone; this was its last state.
        case over(LaneSample)
    }

    init(_ plan: DataPlan, connections: Int, _ settings: ConnectionSettings) {
        self.plan = plan
        self.connections = connections
        self.settings = settings
        (events, continuation) = AsyncStream.makeStream(of: PlaneEvent.self)
        window = ReceiverWindow(plan, continuation, countsDatagrams: plan.parameters.settings.usesDatagrams)
        state = Mutex(State(slots: Array(repeating: .missing, count: connections)))
    }

    /// Flows of datagrams need no streams but for their ends, which each sender opens.
    var kind: DataStreamKind {
        plan.direction == .bidirectional && !usesDatagrams ? .bidirectional : .unidirectional
    }

    var usesDatagrams: Bool { plan.parameters.settings.usesDatagrams }

    // MARK: Commands

    func start(_ job: SendJob) {
        let now = MonotonicClock.now()
        state.withLock { state in
            if plan.sends, state.sendingSince == nil { state.job = job }
        }
        beginIfReady(now: now)
    }

    func setPaused(_ isPaused: Bool) {
        let now = MonotonicClock.now()
        let lanes: [QUICLane]? = state.withLock { state in
            guard isPaused != state.isPaused else { return nil }
            state.isPaused = isPaused
            return live(state)
        }
        guard let lanes else { return }
        if plan.receives { window.setPaused(isPaused, at: now) }
        if !isPaused { pacing.skip(to: now) }
        for lane in lanes { lane.post { $0.setPaused(isPaused, now: MonotonicClock.now()) } }
    }

    func stopSending(_ how: SendEnd) {
        state.withLock { $0.job = nil }
        forEach { $0.stopSending(how) }
    }

    func closeWindow() async -> ClosedWindow {
        await withDiscardingTaskGroup { tasks in
            for lane in state.withLock({ live($0) }) {
                tasks.addTask { _ = await lane.endpoint.ask { _ in lane.settle() } }
            }
        }
        return window.closeWindow(at: MonotonicClock.now())
    }

    func sample() async -> PlaneSample {
        let slots = state.withLock { $0.slots }
        let samples = await withTaskGroup(of: (Int, LaneSample?).self) { tasks in
            for (place, slot) in slots.enumerated() {
                tasks.addTask {
                    switch slot {
                    case .missing: return (place, nil)
                    case .over(let sample): return (place, sample)
                    case .live(let lane):
                        let sample = await lane.endpoint.ask { _ in lane.sample(now: MonotonicClock.now()) }
                        return (place, sample ?? self.keptSample(place))
                    }
                }
            }
            return await tasks.reduce(into: [LaneSample?](repeating: nil, count: slots.count)) { $0[$1.0] = $1.1 }
        }
        return combine(samples)
    }

    /// The last state of a connection that is over.
    private func keptSample(_ place: Int) -> LaneSample? {
        state.withLock { if case .over(let sample) = $0.slots[place] { sample } else { nil } }
    }

    private func combine(_ all: [LaneSample?]) -> PlaneSample {
        let samples = all.compactMap(\.self)
        var settings = samples.settings()
        settings.congestionController = self.settings.congestionController.rawValue
        settings.recording = RecordingSettings(
            qlog: self.settings.eventLog != nil, keyLog: self.settings.keyLog != nil)
        if plan.receives { settings.flowControlWindow = ByteCount(self.settings.windowCeiling) }
        if let byte = plan.parameters.settings.typeOfService { settings.typeOfService = byte & 0xfc }
        settings.pacingBurst = pacing.burst
        let sent = samples.compactMap(\.sent)
        var sample = PlaneSample(
            sent: sent.count == connections ? sent.joined().map { ByteCount($0) } : nil, path: path(samples),
            settings: settings)
        sample.cpu = samples.cpu()
        if plan.receives { sample.receiveBufferDrops = samples.receiveBufferDrops() }
        sample.handshakeConfirmedAfter = state.withLock { $0.handshakeConfirmedAfter }
        return sample
    }

    private func path(_ samples: [LaneSample]) -> PathReport? {
        let start = plan.sends ? state.withLock { $0.sendingSince } : window.openedAt
        guard let start, let last = samples.map(\.takenAt).max() else { return nil }
        // Before all of them send, none of them is limited.
        let limits = samples.compactMap(\.limits)
        return PathReport(
            observedBy: plan.role, start: .zero, end: max(last - start, .zero), metrics: .quic(samples.pathMetrics()),
            limits: limits.count == connections ? LimitShares.mean(limits) : nil)
    }

    // MARK: Connections, on their threads

    /// Tells the plane which connection carries its test's control, before any lane is attached.
    func setControl(_ number: ConnectionNumber, on loop: EndpointLoop) {
        state.withLock { $0.control = (ObjectIdentifier(loop.endpoint), number) }
    }

    /// The meter of a lane's thread.
    ///
    /// - Parameter isOwn: Whether the lane's connection is another one than that for control.
    func meter(on loop: EndpointLoop, isOwn: Bool) -> EndpointMeter {
        let id = ObjectIdentifier(loop.endpoint)
        return state.withLock { state in
            if let meter = state.meters[id] { return meter }
            let control = isOwn && state.control?.endpoint == id ? state.control?.number : nil
            let meter = EndpointMeter(loop, control: control, probes)
            state.meters[id] = meter
            return meter
        }
    }

    /// Takes a connection in whose handshake is complete.
    ///
    /// - Parameter isOwn: Whether it is the plane's own, and ends with it.
    /// - Returns: nil, and the connection is closed, where it isn't wanted any more.
    func attach(
        _ connection: QUICConnection, _ number: ConnectionNumber, place: Int, isOwn: Bool, _ loop: EndpointLoop,
        now: MonotonicTime
    ) -> QUICLane? {
        guard (0..<connections).contains(place) else { return nil }
        let lane = QUICLane(self, connection, number, place: place, isOwn: isOwn, loop)
        let isPaused: Bool? = state.withLock { state in
            guard !state.isOver, case .missing = state.slots[place] else { return nil }
            state.slots[place] = .live(lane)
            return state.isPaused
        }
        guard let isPaused else {
            lane.meter.remove(connection)
            connection.close(code: CloseReason.refused.rawValue, reason: "the test is over")
            return nil
        }
        if isPaused { lane.setPaused(true, now: now) }
        lane.checkReady(now: now)
        return lane
    }

    /// The handshake of the session's connection, which may carry none of the payload.
    func handshakeConfirmed(after duration: Duration) { state.withLock { $0.handshakeConfirmedAfter = duration } }

    func laneEnded(_ lane: QUICLane, _ last: LaneSample) { state.withLock { $0.slots[lane.place] = .over(last) } }

    func laneIsReady(_ place: Int, now: MonotonicTime) {
        state.withLock { _ = $0.ready.insert(place) }
        beginIfReady(now: now)
    }

    private func beginIfReady(now: MonotonicTime) {
        let beginning: (job: SendJob, lanes: [QUICLane])? = state.withLock { state in
            guard let job = state.job, state.ready.count == connections else { return nil }
            state.job = nil
            state.sendingSince = now
            return (job, live(state))
        }
        guard let (job, lanes) = beginning else { return }
        // One connection keeps its budget itself, and so does each flow of datagrams.
        let isShared = connections > 1 && !usesDatagrams
        let isPaced = pacing.begin(
            PayloadPace(
                job.targetBitrate.flatMap { $0.bitsPerSecond > 0 ? $0 : nil },
                sharedBudget: isShared ? job.byteBudget?.bytes : nil, connections: connections, piece: pieceSize,
                now: now))
        for lane in lanes { lane.post { $0.begin(job, isPaced: isPaced, at: now) } }
    }

    /// What can't be divided when it is sent: a datagram, as large as it may get. Bytes of a stream can.
    private var pieceSize: Int {
        guard usesDatagrams else { return 1 }
        let largest = Int(clamping: settings.maxUDPPayload)
        return min(plan.parameters.settings.payloadUnit.map { Int(clamping: $0.bytes) } ?? largest, largest)
    }

    func laneHasSent(_ place: Int) {
        let areAllDone = state.withLock { state in
            state.hasSent.insert(place).inserted && state.hasSent.count == connections
        }
        if areAllDone { continuation.yield(.sendersDone) }
    }

    /// The budget that they share is used up.
    func finishAll() { forEach { $0.finishPayload() } }

    func touchAll() { forEach { $0.touch() } }

    private func forEach(_ body: @escaping @Sendable (QUICLane) -> Void) {
        for lane in state.withLock({ live($0) }) { lane.post(body) }
    }

    private func live(_ state: borrowing State) -> [QUICLane] {
        state.slots.compactMap { if case .live(let lane) = $0 { lane } else { nil } }
    }

    // MARK: Ending

    /// Closes the connections that are the plane's own.
    func closeConnections(_ reason: CloseReason) { forEach { $0.close(reason) } }

    /// Something went wrong that may still be told otherwise.
    func report(_ error: TransportError) { continuation.yield(.failed(error)) }

    func failed(_ error: TransportError) {
        let isFirst = state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
        guard isFirst else { return }
        continuation.yield(.failed(error))
        continuation.finish()
    }

    func ended() {
        state.withLock { $0.isOver = true }
        continuation.finish()
    }
}
