import QrateMeasurement
import QrateTransportAPI
import Synchronization

/// Both ends' planes of one test: a flow of payload for each direction that the test has. Payload arrives in ticks of one
/// interval of the manual clock, or all at once.
final class InMemoryPlanes: Sendable {
    let client: any DataPlane
    let server: any DataPlane
    private let flows: [InMemoryFlow]

    init(_ plan: DataPlan, clock: ManualClock, _ settings: InMemoryNetwork.Settings) {
        let client = EventPort(), server = EventPort()
        func flow(from role: Role, _ sender: EventPort, to receiver: EventPort) -> InMemoryFlow? {
            guard plan.direction.sends(from: role) else { return nil }
            return InMemoryFlow(plan, clock: clock, settings, sender: sender, receiver: receiver)
        }
        let upload = flow(from: .client, client, to: server)
        let download = flow(from: .server, server, to: client)
        let kind = plan.parameters.transport
        self.client = InMemoryPlane(
            role: .client, kind: kind, sending: upload, receiving: download, port: client, isBusy: false)
        self.server = InMemoryPlane(
            role: .server, kind: kind, sending: download, receiving: upload, port: server,
            isBusy: settings.serverIsBusy)
        flows = [upload, download].compactMap { $0 }
    }

    func end(_ error: TransportError?) { for flow in flows { flow.end(error) } }
}

/// A plane's events, from the flows' side.
struct EventPort: Sendable {
    let events: AsyncStream<PlaneEvent>
    let continuation: AsyncStream<PlaneEvent>.Continuation

    init() { (events, continuation) = AsyncStream.makeStream() }
}

private struct InMemoryPlane: DataPlane {
    let role: Role
    let kind: TransportKind
    let sending: InMemoryFlow?
    let receiving: InMemoryFlow?
    let port: EventPort
    let isBusy: Bool

    var events: AsyncStream<PlaneEvent> { port.events }
    func start(_ job: SendJob) { sending?.start(job) }
    func setPaused(_ isPaused: Bool) { sending?.setPaused(isPaused) }
    func stopSending(_ how: SendEnd) { sending?.stop(how) }

    func closeWindow() async -> ClosedWindow {
        receiving?.closeWindow() ?? ClosedWindow(.nothing(streams: 0), rowCount: 0)
    }

    func sample() async -> PlaneSample {
        var settings = EffectiveSettings()
        settings.congestionController = "\(role.rawValue)-memory"
        guard let (sent, elapsed) = sending?.sent else {
            var sample = PlaneSample(settings: settings)
            sample.cpu = cpu(receiving?.sent.1 ?? .zero)
            return sample
        }
        let path = PathReport(
            observedBy: role, start: .zero, end: elapsed, metrics: metrics(sent.reduce(.zero, +)))
        var sample = PlaneSample(sent: sent, path: path, settings: settings)
        sample.cpu = cpu(elapsed)
        return sample
    }

    private func cpu(_ elapsed: Duration) -> ProcessorUsage? {
        guard elapsed > .zero else { return nil }
        let user = isBusy ? elapsed * 7 / 8 : elapsed / 4
        return ProcessorUsage([ThreadUsage(name: "memory", user: user, system: elapsed / 8, elapsed: elapsed)])
    }

    /// A path of 20 ms that loses a segment for each 1000 bytes.
    private func metrics(_ sent: ByteCount) -> PathMetrics {
        switch kind {
        case .quic:
            var metrics = QUICPathMetrics()
            metrics.smoothedRTT = .milliseconds(20)
            metrics.datagramsSent = sent.bytes
            return .quic(metrics)
        case .tcp, .tls:
            var metrics = TCPPathMetrics()
            metrics.smoothedRTT = .milliseconds(20)
            metrics.rttVariation = .milliseconds(2)
            metrics.retransmissions = sent.bytes / 1000
            metrics.congestionWindow = 14_480
            metrics.maxSegmentSize = 1448
            return .tcp(metrics)
        case .udp:
            var metrics = UDPPathMetrics()
            metrics.datagramsSent = sent.bytes
            return .udp(metrics)
        }
    }
}

/// The payload of one direction, counted at both ends.
final class InMemoryFlow: Sendable {
    private let plan: DataPlan
    private let clock: ManualClock
    private let settings: InMemoryNetwork.Settings
    private let sender: EventPort
    private let receiver: EventPort
    private let state: Mutex<State>

    fileprivate struct State {
        var sent: [ByteCount]
        var elapsed = Duration.zero
        var ticks = 0
        /// Those that were, or are about to be, given out as events.
        var rowCount = 0
        var totals: ReceivedTotals
        var isWindowClosed = false
        var isOver = false
        var isPaused = false
        var work: Task<Void, Never>?
    }

    init(
        _ plan: DataPlan, clock: ManualClock, _ settings: InMemoryNetwork.Settings, sender: EventPort,
        receiver: EventPort
    ) {
        self.plan = plan
        self.clock = clock
        self.settings = settings
        self.sender = sender
        self.receiver = receiver
        let nothing = Array(repeating: ByteCount.zero, count: plan.streams)
        let totals = ReceivedTotals(measured: nothing, warmUp: .zero, drained: .zero, duration: nil, isComplete: false)
        state = Mutex(State(sent: nothing, totals: totals))
    }

    var sent: ([ByteCount], Duration) { state.withLock { ($0.sent, $0.elapsed) } }

    func setPaused(_ isPaused: Bool) { state.withLock { $0.isPaused = isPaused } }

    func start(_ job: SendJob) {
        receiver.continuation.yield(.receiving)
        guard job.duration != nil || job.byteBudget == nil || settings.bytesPerTick != nil else {
            tick(job, length: .milliseconds(10), isLast: true)
            return finish()
        }
        let begin = clock.now
        let work = Task { [self] in
            for number in 1... {
                let due = begin.advanced(by: plan.interval * number)
                do { try await clock.sleep(until: due, tolerance: nil) } catch { return }  // stopped
                if state.withLock({ $0.isPaused }) { continue }
                if tick(job, length: plan.interval, isLast: false) { return finish() }
            }
        }
        state.withLock { $0.work = work }
    }

    func stop(_ how: SendEnd) {
        state.withLock { $0.work }?.cancel()
        if how == .finish { finish() }
    }

    func closeWindow() -> ClosedWindow {
        state.withLock { state in
            state.isWindowClosed = true
            return ClosedWindow(state.totals, rowCount: state.rowCount)
        }
    }

    /// Ends the planes: with the connection's failure, or silently because the session was closed.
    func end(_ error: TransportError?) {
        let (isNews, work) = state.withLock { state in
            defer { state.isOver = true }
            return (!state.isOver, state.work)
        }
        work?.cancel()
        if isNews, let error {
            sender.continuation.yield(.failed(error))
            receiver.continuation.yield(.failed(error))
        }
        sender.continuation.finish()
        receiver.continuation.finish()
    }

    /// Moves one interval's payload.
    ///
    /// - Returns: Whether the job is done.
    @discardableResult
    private func tick(_ job: SendJob, length: Duration, isLast: Bool) -> Bool {
        let (row, isDone, ticks) = state.withLock { state -> (ReceivedInterval?, Bool, Int) in
            guard !state.isOver else { return (nil, true, state.ticks) }
            let pieces = pieces(job, sent: state.sent, isLast: isLast)
            for (index, piece) in pieces.enumerated() { state.sent[index] += piece }
            let start = state.elapsed
            state.elapsed += length
            state.ticks += 1
            let row = ReceivedInterval(
                start: start, end: state.elapsed, isWarmUp: state.elapsed <= plan.warmUp, streams: pieces,
                datagrams: settings.lostPerTick.map {
                    DatagramReport(received: pieces.reduce(.zero, +).bytes, lost: $0)
                })
            let isInWindow = !state.isWindowClosed
            if isInWindow { state.rowCount += 1 }
            state.count(row, plan)
            let used = state.sent.reduce(.zero, +)
            let isSpent = job.byteBudget.map { used >= $0 } ?? false
            let isTimeOver = job.duration.map { state.elapsed >= $0 } ?? false
            return (isInWindow ? row : nil, isSpent || isTimeOver, state.ticks)
        }
        if let row { receiver.continuation.yield(.interval(row)) }
        if ticks == settings.faults.planesFailAfterTicks {
            end(TransportError(.failed, "The data streams were lost."))
            return true
        }
        return isDone
    }

    /// What each stream sends in a tick: the first ones draw first from the shared budget.
    private func pieces(_ job: SendJob, sent: [ByteCount], isLast: Bool) -> [ByteCount] {
        var rest = job.byteBudget.map { $0 - sent.reduce(.zero, +) } ?? ByteCount(.max)
        let share = ByteCount(rest.bytes / UInt64(max(1, plan.streams)))
        let each = isLast ? share : settings.bytesPerTick ?? 1000
        return sent.indices.map { index in
            let piece =
                isLast && index == 0 ? rest - ByteCount(share.bytes * UInt64(plan.streams - 1)) : min(each, rest)
            rest = rest - piece
            return piece
        }
    }

    private func finish() {
        let totals = state.withLock { state -> ReceivedTotals? in
            guard !state.isOver else { return nil }
            if !settings.faults.losesTheEnd {
                state.totals.isComplete = true
                state.isWindowClosed = true
            }
            return state.totals
        }
        guard let totals else { return }
        sender.continuation.yield(.sendersDone)
        if !settings.faults.losesTheEnd { receiver.continuation.yield(.receiversDone(totals)) }
    }
}

extension InMemoryFlow.State {
    fileprivate mutating func count(_ row: ReceivedInterval, _ plan: DataPlan) {
        if let datagrams = row.datagrams, !isWindowClosed {
            totals.datagrams = DatagramReport(
                received: (totals.datagrams?.received ?? 0) + datagrams.received,
                lost: (totals.datagrams?.lost ?? 0) + datagrams.lost)
        }
        if isWindowClosed {
            totals.drained += row.total
        } else if row.isWarmUp {
            totals.warmUp += row.total
        } else {
            for (index, bytes) in row.streams.enumerated() { totals.measured[index] += bytes }
            totals.duration = row.end - plan.warmUp
            if let limit = plan.limit.duration, row.end >= plan.warmUp + limit { isWindowClosed = true }
        }
    }
}
