import Glibc
import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateStatistics
import QrateTransportAPI
import Synchronization

/// N flows of numbered datagrams, one thread for each, and one more for each that sends.
final class UDPDataPlane: SessionPlane, FlowSink {
    let events: AsyncStream<PlaneEvent>
    private let plan: DataPlan
    private let control: ControlConnection
    private let event: AsyncStream<PlaneEvent>.Continuation
    private let window: ReceiverWindow
    private let sending: SendControl
    /// Raised when the plane closes: every thread ends.
    private let stop: StopSignal
    private let meters: StreamMeters
    private let state: Mutex<State>
    /// When the last payload of any flow came: nanoseconds of the monotonic clock.
    private let latestArrival = Atomic<UInt64>(0)
    /// Opens when every flow has found its peer, when that has failed, and when the plane closes.
    private let areReady = Latch()
    /// Opens when the plane is closed and its last thread has ended.
    private let hasEnded = Latch()

    private struct State {
        var flows: [UDPFlow?]
        var readyFlows = 0
        var job: SendJob?
        /// Since the senders run, or have ended without a job.
        var sendersLeft: Int?
        var sendingSince: MonotonicTime?
        var threads = 0
        var isClosed = false
        var failure: TransportError?
        var final: PlaneSample?
        var atTheEnd: [@Sendable () -> Void] = []
        var burst: Int?
        var pathMTU: PathMTUReport?

        /// - Returns: The flows, when all are ready, and what to send on them; nil when it isn't time or is under way.
        mutating func beginSending(_ now: MonotonicTime, orEnd hasEnded: Bool) -> ([UDPFlow], SendJob?)? {
            let all = flows.compactMap { $0 }
            guard readyFlows == flows.count, all.count == flows.count, sendersLeft == nil else { return nil }
            guard !isClosed, failure == nil, job != nil || hasEnded else { return nil }
            sendersLeft = flows.count
            threads += flows.count
            sendingSince = now
            return (all, job)
        }
    }

    /// UDP payload of a datagram, unless the test says otherwise: xfr's.
    static let defaultUnit = 1400
    /// When further tail markers follow the first: one gets through, unless everything is lost.
    private static let tailPauses: [Duration] = [5, 15, 30, 50, 100].map { .milliseconds($0) }

    init(_ plan: DataPlan, _ control: ControlConnection) throws(TransportError) {
        self.plan = plan
        self.control = control
        (events, event) = AsyncStream.makeStream()
        window = ReceiverWindow(plan, event, countsDatagrams: true)
        meters = StreamMeters(streams: plan.streams)
        do throws(SocketError) {
            sending = try SendControl()
            stop = try StopSignal()
        } catch {
            throw TransportError(.failed, "cannot make datagram flows: \(error)", code: Int64(error.code))
        }
        state = Mutex(State(flows: Array(repeating: nil, count: plan.streams)))
    }

    /// Calls `body` when the plane has closed; at once when it has.
    func atTheEnd(_ body: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if state.final == nil { state.atTheEnd.append(body) }
            return state.final != nil
        }
        if isOver { body() }
    }

    private var settings: TransportSettings { plan.parameters.settings }
    private var unit: Int { settings.payloadUnit.map { Int(clamping: $0.bytes) } ?? Self.defaultUnit }

    // MARK: Flows

    func flow(at index: Int) -> UDPFlow? {
        state.withLock { $0.flows.indices.contains(index) ? $0.flows[index] : nil }
    }

    func attach(_ flow: UDPFlow) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.failure == nil, state.flows.indices.contains(flow.index),
                state.flows[flow.index] == nil
            else { return false }
            state.flows[flow.index] = flow
            state.threads += 1
            return true
        }
        guard isTaken else { return false }
        DedicatedThread(name: "qrate-flow") { [self] in
            let happenings = UDPReceiveLoop.Events(
                ready: { [self] in flowIsReady() },
                arrived: { [self] in latestArrival.store($0.nanoseconds, ordering: .relaxed) },
                ended: { [self] in endReceiving(flow, $0) })
            var loop = UDPReceiveLoop(
                flow: flow, plan: plan, window: window, meter: meters.receiving[flow.index], stop: stop,
                sessionStop: control.stop,
                isPaused: { [sending] in sending.isPaused }, events: happenings)
            if let error = loop.run() { fail(error) }
            threadEnded()
        }.detach()
        return true
    }

    private func flowIsReady() {
        let areAll = state.withLock { state in
            state.readyFlows += 1
            return state.readyFlows == state.flows.count
        }
        guard areAll else { return }
        areReady.open()
        startSendingIfReady()
    }

    /// Returns when every flow has found its peer.
    func ready() async throws(TransportError) {
        await areReady.wait()
        let (failure, isClosed) = state.withLock { ($0.failure, $0.isClosed) }
        if let failure { throw failure }
        if isClosed || control.stop.isRaised {
            throw TransportError(.interrupted, "opening the test's flows was given up")
        }
    }

    /// A test that isn't complete by now never will be.
    func attachingTimeIsOver() {
        let missing = state.withLock { state in state.flows.count - state.readyFlows }
        guard missing > 0 else { return }
        fail(
            TransportError(
                .failed,
                "\(missing) of \(plan.streams) UDP flows from \(control.remote.host) did not come within "
                    + "\(UDPPlaneMaker.attachingTime.secondsWithoutZeros): does a firewall let TCP through and not UDP?"
            ))
    }

    // MARK: Receiving

    private func endReceiving(_ flow: UDPFlow, _ ending: ReceiverWindow.StreamEnding) {
        // Nothing was seen to end then, if the end came from waiting: the window goes to the last arrival.
        let last = MonotonicTime(nanoseconds: latestArrival.load(ordering: .relaxed))
        let isOpenEnded = plan.limit.duration == nil && last.nanoseconds > 0
        window.end(stream: flow.index, ending, at: isOpenEnded ? last : MonotonicClock.now())
    }

    // MARK: Sending

    func start(_ job: SendJob) {
        guard plan.sends else { return }
        state.withLock { if $0.job == nil { $0.job = job } }
        startSendingIfReady()
    }

    /// Begins when there is a job and every flow is ready, so that all have the same time.
    private func startSendingIfReady() {
        guard plan.sends else { return }
        // Made at its first use, which is not to take the test's time: a paced sender would make up for it in one go.
        let payload = PayloadBlock.of(plan.parameters.payload)
        let now = MonotonicClock.now()
        let hasEnded = sending.end != nil
        guard let (flows, job) = state.withLock({ state in state.beginSending(now, orEnd: hasEnded) }) else { return }
        sending.begin(job?.duration, now: now)
        if settings.probesPathMTU { return probe(flows) }
        let budget = job?.byteBudget.map { ByteBudget($0) }
        let bucket = job?.targetBitrate.flatMap { makeBucket($0, now) }
        state.withLock { $0.burst = bucket.map { max(unit, $0.burst / unit * unit) } }
        for flow in flows {
            flow.limits.begin(at: now)
            let loop = UDPSendLoop(
                flow: flow, control: sending, payload: payload, unit: unit, budget: budget,
                bucket: bucket)
            DedicatedThread(name: "qrate-send") { [self] in
                var loop = loop
                let meter = meters.sending[flow.index]
                meter.begin()
                let ending = loop.run()
                meter.end()
                endSending(flow, ending, sent: loop.sequence)
                threadEnded()
            }.detach()
        }
    }

    /// One flow's share of the rate.
    private func makeBucket(_ target: Bitrate, _ now: MonotonicTime) -> TokenBucket? {
        guard target.bitsPerSecond > 0 else { return nil }
        let share = Bitrate(bitsPerSecond: max(1, target.bitsPerSecond / UInt64(plan.streams)))
        return TokenBucket(share, bursts: unit...unit * UDPSendLoop.mostDatagrams(of: unit), now: now)
    }

    /// On the sending thread.
    private func endSending(_ flow: UDPFlow, _ ending: UDPSendLoop.Ending, sent: UInt64) {
        if stop.isRaised { return }
        if case .failed(let error) = ending, !isNormal(error) { fail(error) }
        let marker = TailMarker(flow: UInt16(truncatingIfNeeded: flow.index), sent: sent).encoded
        let isMarked = plan.peer.contains(.isQrate)
        if isMarked { sendTail(marker, flow) }
        senderEnded()
        guard isMarked else { return }
        for pause in Self.tailPauses {
            _ = StreamPoll.wait(for: [], on: nil, stop, control.stop, nanoseconds: pause.nanoseconds)
            if stop.isRaised || control.stop.isRaised { return }
            sendTail(marker, flow)
        }
    }

    private func sendTail(_ marker: [UInt8], _ flow: UDPFlow) {
        guard flow.send(marker) == .wouldBlock else { return }
        _ = StreamPoll.wait(
            for: .writable, on: flow.socket.descriptor, stop, nanoseconds: Duration.milliseconds(100).nanoseconds)
        _ = flow.send(marker)
    }

    private func senderEnded() {
        let isLast = state.withLock { state in
            state.sendersLeft = state.sendersLeft.map { $0 - 1 }
            return state.sendersLeft == 0
        }
        if isLast { event.yield(.sendersDone) }
    }

    /// A peer that isn't a qrate may let its sockets go when its own clock says so.
    private func isNormal(_ error: TransportError) -> Bool {
        error.code == Int64(ECONNREFUSED) && !plan.peer.contains(.isQrate) && plan.limit.duration != nil
            && MonotonicClock.now() + .milliseconds(2500) >= sending.deadline
    }

    func stopSending(_ how: SendEnd) {
        guard plan.sends else { return }
        sending.stop(how)
        startSendingIfReady()  // threads that find nothing to do say that the flows have ended
    }

    func setPaused(_ isPaused: Bool) {
        let now = MonotonicClock.now()
        sending.setPaused(isPaused, now: now)
        window.setPaused(isPaused, at: now)
    }

    // MARK: Ending

    private func fail(_ error: TransportError) {
        let isFirst = state.withLock { state in
            guard state.failure == nil, !state.isClosed else { return false }
            state.failure = error
            return true
        }
        guard isFirst else { return }
        event.yield(.failed(error))
        event.finish()
        sending.stop(.abort)
        areReady.open()
    }

    private func threadEnded() {
        // A session that closes while its flows are still being opened has no plane to close yet.
        if control.stop.isRaised { areReady.open() }
        let isLast = state.withLock { state in
            state.threads -= 1
            return state.isClosed && state.threads == 0
        }
        if isLast { ended() }
    }

    func close() async {
        let (isFirst, isIdle) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.threads == 0)
        }
        if isFirst {
            _ = window.closeWindow(at: MonotonicClock.now())
            stop.raise()
            sending.stop(.abort)
            areReady.open()
            if isIdle { ended() }
        }
        await hasEnded.wait()
    }

    /// No thread is left: keeps what is known and lets the sockets go.
    private func ended() {
        let last = takeSample()
        let work: [@Sendable () -> Void]? = state.withLock { state in
            guard state.final == nil else { return nil }
            state.final = last
            state.flows = state.flows.map { _ in nil }
            defer { state.atTheEnd = [] }
            return state.atTheEnd
        }
        guard let work else { return }
        for body in work { body() }
        event.finish()
        hasEnded.open()
    }

    func closeWindow() async -> ClosedWindow {
        let now = MonotonicClock.now()
        for flow in state.withLock({ $0.flows }) {
            guard plan.receives, let flow, let counter = flow.socket.dropCounter else { continue }
            window.countDatagrams(stream: flow.index, at: now) { meters in
                meters.noteReceiveBufferDrops(flow: flow.index, counter: counter)
                return 0
            }
        }
        return window.closeWindow(at: now)
    }

    // MARK: Sampling

    func sample() async -> PlaneSample { state.withLock { $0.final } ?? takeSample() }

    private func takeSample() -> PlaneSample {
        let now = MonotonicClock.now()
        let (flows, since, burst, pathMTU) = state.withLock { ($0.flows, $0.sendingSince, $0.burst, $0.pathMTU) }
        let known = flows.compactMap(\.self)
        var sample = PlaneSample(settings: effectiveSettings(known.first, burst: burst))
        sample.pathMTU = pathMTU
        sample.cpu = meters.usage
        if plan.sends { sample.sent = flows.map { ByteCount($0?.sentBytes.load(ordering: .relaxed) ?? 0) } }
        guard plan.sends, let since else { return sample }
        var metrics = UDPPathMetrics()
        metrics.datagramsSent = known.reduce(0) { $0 + $1.sentDatagrams.load(ordering: .relaxed) }
        metrics.sendDrops = known.reduce(0) { $0 + $1.sendDrops.load(ordering: .relaxed) }
        let reports = known.compactMap(\.reported)
        if !reports.isEmpty {
            metrics.reportedReceived = reports.reduce(0) { $0.addingSaturated($1.received) }
            metrics.reportedLost = reports.reduce(0) { $0.addingSaturated($1.lost) }
        }
        let limits = known.compactMap { $0.limits.shares(of: UDPFlow.limitCauses, at: now) }
        sample.path = PathReport(
            observedBy: plan.role, start: .zero, end: now - since, metrics: .udp(metrics),
            limits: limits.count == flows.count ? LimitShares.mean(limits) : nil)
        return sample
    }

    private func effectiveSettings(_ flow: UDPFlow?, burst: Int?) -> EffectiveSettings {
        var result = EffectiveSettings()
        if plan.sends, !settings.probesPathMTU {
            result.payloadUnit = ByteCount(UInt64(unit))
            result.maxUDPPayload = result.payloadUnit
            result.pacingBurst = burst.map { ByteCount(UInt64($0)) }
        }
        guard let socket = flow?.socket else { return result }
        if plan.sends {
            let together = min(burst ?? .max, unit * UDPSendLoop.mostDatagrams(of: unit))
            result.segmentationOffload = socket.usesSegmentation && together >= 2 * unit
        }
        if plan.receives { result.receiveOffload = socket.coalescesReceives }
        result.sendBuffer = ByteCount(UInt64(socket.grantedSendBuffer))
        result.receiveBuffer = ByteCount(UInt64(socket.grantedReceiveBuffer))
        result.socketBufferAsked = ByteCount(UInt64(socket.askedBuffer))
        result.offloadFallbacks = socket.fallbacks
        result.typeOfService = settings.typeOfService == nil ? nil : socket.typeOfService
        return result
    }

    // MARK: Path MTU

    /// Searches instead of sending payload: one flow, whose receiving thread hears the answers.
    private func probe(_ flows: [UDPFlow]) {
        for flow in flows {
            DedicatedThread(name: "qrate-probe") { [self] in
                if flow.index == 0, plan.role == .client {
                    var search = PathMTUSearch(
                        flow: flow, isIPv6: control.remote.family == .ipv6 && !control.remote.isIPv4Mapped,
                        control: sending)
                    let report = search.run()
                    state.withLock { $0.pathMTU = report }
                }
                senderEnded()
                threadEnded()
            }.detach()
        }
    }
}

extension UInt64 {
    fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
