import Glibc
import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTransportAPI
import Synchronization

/// N connections of payload, one thread for each and each direction. Over TCP, and over whatever else is a
/// ``ByteStream``.
final class TCPDataPlane: SessionPlane, DataConnectionSink {
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
    /// Opens when the plane is closed and its last thread has ended.
    private let hasEnded = Latch()

    private struct State {
        var streams: [DataStream?]
        var job: SendJob?
        /// Since the senders run, or have ended without a job.
        var sendersLeft: Int?
        var sendingSince: MonotonicTime?
        var receiversLeft: Int
        var threads = 0
        var isClosed = false
        var hasFailed = false
        var final: PlaneSample?
        var atTheEnd: [@Sendable () -> Void] = []
        var burst: Int?

        /// - Parameter hasEnded: Sending was ended already: the streams are only to be ended.
        /// - Returns: The streams, when all are there, and what to send on them; nil when it isn't time or is under way.
        mutating func beginSending(_ now: MonotonicTime, orEnd hasEnded: Bool) -> ([DataStream], SendJob?)? {
            let ready = streams.compactMap { $0 }
            guard ready.count == streams.count, sendersLeft == nil, !isClosed, !hasFailed else { return nil }
            guard job != nil || hasEnded else { return nil }
            sendersLeft = streams.count
            threads += streams.count
            sendingSince = now
            return (ready, job)
        }
    }

    /// Payload of one write, unless the test says otherwise.
    static let defaultUnit = 1 << 20
    /// Paced senders write no less than a full segment at a time.
    private static let smallestBurst = 1448
    /// A peer without `.isQrate` may cut a stream off when so much of its time, or less, is left.
    private static let earlyReset = Duration.milliseconds(250)
    /// How long a broken connection waits to be told: the control connection may bring the reason.
    private static let failureDelay = Duration.milliseconds(250)

    /// - Parameter atTheEnd: Called once when the plane has closed.
    init(
        _ plan: DataPlan, _ control: ControlConnection, atTheEnd: @escaping @Sendable () -> Void
    ) throws(TransportError) {
        self.plan = plan
        self.control = control
        (events, event) = AsyncStream.makeStream()
        window = ReceiverWindow(plan, event)
        meters = StreamMeters(streams: plan.streams)
        do throws(SocketError) {
            sending = try SendControl()
            stop = try StopSignal()
        } catch {
            throw TransportError(.failed, "cannot make data streams: \(error)", code: Int64(error.code))
        }
        state = Mutex(
            State(
                streams: Array(repeating: nil, count: plan.streams), receiversLeft: plan.streams, atTheEnd: [atTheEnd]))
    }

    /// Calls `body` when the plane has closed; at once when it has.
    func atTheEnd(_ body: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isClosed { state.atTheEnd.append(body) }
            return state.isClosed
        }
        if isOver { body() }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    private var settings: TransportSettings { plan.parameters.settings }

    // MARK: Connections

    func attach(_ bytes: any ByteStream, index: Int, received: [UInt8]) {
        // An accepted connection gets what its listener couldn't know. What fails here shows in the effective settings.
        if plan.role == .server { try? bytes.socket.apply(TCPPlaneMaker.options(settings)) }
        bytes.socket.watchPeer()
        let stream = DataStream(bytes, index: index)
        let isTaken = state.withLock { state in
            guard !state.isClosed, !state.hasFailed, state.streams.indices.contains(index), state.streams[index] == nil
            else { return false }
            state.streams[index] = stream
            if plan.receives { state.threads += 1 }
            return true
        }
        guard isTaken else { return }  // it is closed when the caller lets it go
        if plan.receives { startReceiving(stream, received) }
        startSendingIfReady()
    }

    /// The sockets of the streams that are there.
    var connections: [StreamSocket] { state.withLock { $0.streams.compactMap { $0?.bytes.socket } } }

    var runningThreads: Int { state.withLock { $0.threads } }
    var isMissingConnections: Bool { connections.count < plan.streams }

    /// A test that isn't complete by now never will be.
    func attachingTimeIsOver() {
        let missing = state.withLock { state in state.streams.filter { $0 == nil }.count }
        guard missing > 0 else { return }
        fail(
            TransportError(
                .failed,
                "\(missing) of \(plan.streams) data connections from \(control.remote.host) did not come within "
                    + "\(TCPPlaneMaker.attachingTime.secondsWithoutZeros)"))
    }

    // MARK: Receiving

    /// Its thread is counted already.
    private func startReceiving(_ stream: DataStream, _ received: [UInt8]) {
        DedicatedThread(name: "qrate-receive") { [self] in
            let meter = meters.receiving[stream.index]
            if !received.isEmpty { meter.begin() }
            window.count(received.count, stream: stream.index, at: MonotonicClock.now())
            let loop = ReceiveLoop(
                stream: stream, window: window, stop: stop, meter: meter, skipsCopy: settings.skipsReceiveCopy)
            let ending = loop.run()
            meter.end()
            endReceiving(stream, ending)
            threadEnded()
        }.detach()
    }

    /// On the receiving thread.
    private func endReceiving(_ stream: DataStream, _ ending: ReceiveLoop.Ending) {
        let now = MonotonicClock.now()
        switch ending {
        case .stopped: return
        case .finished(let isEmpty):
            stream.endedReceiving()
            if isEmpty, hasToBring { return failSoon(stream, .turnedAway) }
            // This end's half brings nothing: the connection can end now.
            if !plan.sends { stream.bytes.finishWriting() }
            window.end(stream: stream.index, .finished, at: now)
        case .failed(let error):
            let isNormal = error.isReset && !plan.peer.contains(.isQrate) && isNearTheEnd(now)
            // A sender that gave up, or this end itself did: something may be missing. Whether the test has failed is
            // for the control connection to say, or for this end's sender.
            window.end(stream: stream.index, isNormal ? .finished : .reset, at: now)
            if isNormal { stream.endedReceiving() }
            if !error.isReset { failSoon(stream, error) }
        }
        let isLast = state.withLock { state in
            state.receiversLeft -= 1
            return state.receiversLeft == 0
        }
        guard isLast else { return }
        // The window stays open to its planned end, and somebody has to close it then.
        while !window.isSettled, !stop.isRaised { ReceiveLoop.wait(for: [], on: nil, window, stop) }
    }

    /// Whether a stream that ends without payload is a failure: a server that doesn't take a data connection for one of the
    /// test's closes it without a word.
    private var hasToBring: Bool { plan.role == .client && plan.limit.byteBudget == nil && sending.end == nil }

    /// Whether the window's planned end has come, but for the time by which a peer's clock may be ahead.
    private func isNearTheEnd(_ now: MonotonicTime) -> Bool {
        guard let end = window.plannedEnd else { return false }
        return now + Self.earlyReset >= end
    }

    // MARK: Sending

    func start(_ job: SendJob) {
        guard plan.sends else { return }
        state.withLock { if $0.job == nil { $0.job = job } }
        startSendingIfReady()
    }

    /// Begins when there is a job and every connection is there, so that all streams have the same time.
    private func startSendingIfReady() {
        guard plan.sends else { return }
        // Made at its first use, which is not to take the test's time: a paced sender would make up for it in one go.
        let payload = PayloadBlock.of(plan.parameters.payload)
        let now = MonotonicClock.now()
        let hasEnded = sending.end != nil
        let ready = state.withLock { state in state.beginSending(now, orEnd: hasEnded) }
        guard let ready else { return }
        let (streams, job) = ready
        sending.begin(job?.duration, now: now)
        let budget = job?.byteBudget.map { ByteBudget($0) }
        let bucket = job?.targetBitrate.flatMap { makeBucket($0, now) }
        state.withLock { $0.burst = bucket?.burst }
        for stream in streams {
            // A burst that is less than a segment would wait for the receiver to acknowledge the one before (RFC 896), who
            // has 40 ms for that, and the pace would be lost.
            if bucket != nil { stream.bytes.socket.sendAtOnce() }
            stream.limits.begin(at: now)
            let loop = SendLoop(
                stream: stream, control: sending, payload: payload, unit: unit,
                usesZeroCopy: settings.usesZeroCopy, budget: budget, bucket: bucket)
            DedicatedThread(name: "qrate-send") { [self] in
                var loop = loop
                let meter = meters.sending[stream.index]
                meter.begin()
                let ending = loop.run()
                meter.end()
                endSending(stream, ending)
                threadEnded()
            }.detach()
        }
    }

    private var unit: Int { settings.payloadUnit.map { Int(clamping: $0.bytes) } ?? Self.defaultUnit }

    /// One stream's share of the rate.
    private func makeBucket(_ target: Bitrate, _ now: MonotonicTime) -> TokenBucket? {
        guard target.bitsPerSecond > 0 else { return nil }
        let share = Bitrate(bitsPerSecond: max(1, target.bitsPerSecond / UInt64(plan.streams)))
        return TokenBucket(share, bursts: min(Self.smallestBurst, unit)...unit, now: now)
    }

    /// On the sending thread.
    private func endSending(_ stream: DataStream, _ ending: SendLoop.Ending) {
        if stop.isRaised { return }  // the plane's close deals with the connection
        switch ending {
        case .done(.abort): stream.reset()
        case .done(.finish):
            if cutsOffAtTheEnd {
                stream.reset()
            } else {
                stream.bytes.finishWriting()
                stream.endedSending()
            }
        case .failed(let error):
            let isLate = MonotonicClock.now() + Self.earlyReset >= sending.deadline
            let isNormal = error.isReset && !plan.peer.contains(.isQrate) && isLate
            stream.reset()
            if !isNormal { return failSoon(stream, error) }
        }
        let isLast = state.withLock { state in
            state.sendersLeft = state.sendersLeft.map { $0 - 1 }
            return state.sendersLeft == 0
        }
        if isLast { event.yield(.sendersDone) }
    }

    /// xfr ends a timed test so; what waits in buffers would only keep its clock waiting. With a budget everything is to
    /// arrive, and in a bidirectional test the peer's payload would be cut off too.
    private var cutsOffAtTheEnd: Bool {
        !plan.peer.contains(.isQrate) && plan.limit.byteBudget == nil && !plan.receives && sending.end == nil
    }

    func stopSending(_ how: SendEnd) {
        guard plan.sends else { return }
        sending.stop(how)
        startSendingIfReady()  // threads that find nothing to do end the streams
    }

    func setPaused(_ isPaused: Bool) {
        let now = MonotonicClock.now()
        sending.setPaused(isPaused, now: now)
        window.setPaused(isPaused, at: now)
    }

    // MARK: Ending

    /// On the stream's thread. A broken connection is told once the control connection had time to tell why.
    private func failSoon(_ stream: DataStream, _ error: TransportError) {
        if StreamPoll.wait(for: [], on: nil, stop, nanoseconds: Self.failureDelay.nanoseconds).contains(.woken) {
            return
        }
        fail(TransportError(error.kind, "stream \(stream.index + 1): \(error.message)", code: error.code))
    }

    private func fail(_ error: TransportError) {
        let isFirst = state.withLock { state in
            defer { state.hasFailed = true }
            return !state.hasFailed && !state.isClosed
        }
        guard isFirst else { return }
        event.yield(.failed(error))
        event.finish()
        sending.stop(.abort)
    }

    private func threadEnded() {
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
            if isIdle { ended() }
        }
        await hasEnded.wait()
    }

    /// No thread is left: keeps what is known and lets the connections go. What a connection still has to bring or to
    /// take is dropped.
    private func ended() {
        for stream in state.withLock({ $0.streams.compactMap(\.self) })
        where !stream.isOver(sends: plan.sends, receives: plan.receives) { stream.reset() }
        let last = takeSample()
        let (isFirst, work) = state.withLock { state in
            let isFirst = state.final == nil
            state.final = last
            state.streams = state.streams.map { _ in nil }
            defer { state.atTheEnd = [] }
            return (isFirst, state.atTheEnd)
        }
        guard isFirst else { return }
        for body in work { body() }
        event.finish()
        hasEnded.open()
    }

    func closeWindow() async -> ClosedWindow { window.closeWindow(at: MonotonicClock.now()) }

    // MARK: Sampling

    func sample() async -> PlaneSample { state.withLock { $0.final } ?? takeSample() }

    private func takeSample() -> PlaneSample {
        let now = MonotonicClock.now()
        let (streams, since, burst) = state.withLock { ($0.streams, $0.sendingSince, $0.burst) }
        let snapshots = streams.map { $0?.snapshot() }
        var sample = PlaneSample(settings: effectiveSettings(streams.lazy.compactMap(\.self).first, burst: burst))
        sample.cpu = meters.usage
        if plan.sends { sample.sent = snapshots.map { ByteCount($0?.sent ?? 0) } }
        if let start = plan.sends ? since : window.openedAt {
            let known = snapshots.compactMap(\.self)
            let limits = known.compactMap(\.limits)
            sample.path = PathReport(
                observedBy: plan.role, start: .zero, end: now - start,
                metrics: .tcp(TCPPathMetrics(known, countsSent: plan.sends)),
                limits: limits.count == plan.streams ? LimitShares.mean(limits) : nil)
        }
        return sample
    }

    private func effectiveSettings(_ stream: DataStream?, burst: Int?) -> EffectiveSettings {
        var result = EffectiveSettings()
        if plan.sends {
            result.payloadUnit = ByteCount(UInt64(unit))
            result.pacingBurst = burst.map { ByteCount(UInt64($0)) }
            result.usesZeroCopy = settings.usesZeroCopy && stream?.bytes.hasCopied != true
        }
        if plan.receives { result.skipsReceiveCopy = settings.skipsReceiveCopy }
        // Before the connections are there, what they will get when they ask for nothing else.
        result.congestionController = settings.congestionController ?? control.congestionController
        result.aead = stream?.bytes.aead?.rawValue
        result.recording = RecordingSettings(qlog: false, keyLog: stream?.bytes.logsKeys == true)
        guard let socket = stream?.bytes.socket else { return result }
        result.congestionController = socket.congestionController ?? result.congestionController
        result.sendBuffer = socket.sendBuffer.map { ByteCount(UInt64($0)) }
        result.receiveBuffer = socket.receiveBuffer.map { ByteCount(UInt64($0)) }
        result.maxSegmentSize = socket.maxSegmentSize.map { ByteCount(UInt64($0)) }
        result.typeOfService = settings.typeOfService == nil ? nil : socket.typeOfService
        result.sendsWithoutDelay = socket.sendsWithoutDelay
        result.usesMultipath = settings.usesMultipath ? socket.usesMultipath : nil
        return result
    }
}
