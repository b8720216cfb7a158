import Glibc
import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateStatistics
import QrateTransportAPI

/// One flow's receiving thread: finds the peer, then takes whatever comes, at both ends and in every direction. A sender
/// hears its receiver's feedback here.
struct UDPReceiveLoop: ~Copyable {
    let flow: UDPFlow
    let plan: DataPlan
    let window: ReceiverWindow
    let meter: ThreadMeter
    /// Raised when the plane closes, and when the session does.
    let stop: StopSignal
    let sessionStop: StopSignal
    let isPaused: @Sendable () -> Bool
    let events: Events
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 64)
    private let info = ReceiveInfo()
    private var lastArrival: MonotonicTime?
    private var lastBusy = MonotonicTime(nanoseconds: 0)
    private var hasReceived = false
    private var tailAt: MonotonicTime?
    private var hasEnded = false
    private var feedbackDue = MonotonicTime.never
    private var wakeUpsLeft = 0
    private var wakeUpDue = MonotonicTime.never

    /// What the plane hears of a flow, on the flow's thread.
    struct Events: Sendable {
        /// Both ends have found each other.
        var ready: @Sendable () -> Void
        /// Payload came.
        var arrived: @Sendable (MonotonicTime) -> Void
        /// Nothing more will come.
        var ended: @Sendable (ReceiverWindow.StreamEnding) -> Void
    }

    /// xfr's: how often and how many times a client tries to be heard.
    private static let greetingPause = Duration.milliseconds(100)
    private static let greetings = 50
    private static let feedbackPause = Duration.milliseconds(500)
    /// How long what was overtaken by the tail marker, or was sent at the very end, may still be on its way.
    private static let tailPatience = Duration.milliseconds(250)
    /// How long after its planned end a sender may still send or say that it has ended: its clock began elsewhere.
    private static let endPatience = Duration.seconds(1)
    /// xfr's: a flow that is silent for so long has ended.
    private static let silence = Duration.seconds(30)
    /// A thread that waits looks at the window so often at least.
    private static let patience = Duration.milliseconds(200)
    /// After a run of datagrams the next one is on its way: to be woken for it costs the sender more than looking.
    private static let lookout = Duration.microseconds(50)
    private static let busyDatagrams = 16

    init(
        flow: UDPFlow, plan: DataPlan, window: ReceiverWindow, meter: ThreadMeter, stop: StopSignal,
        sessionStop: StopSignal, isPaused: @escaping @Sendable () -> Bool, events: Events
    ) {
        self.flow = flow
        self.plan = plan
        self.window = window
        self.meter = meter
        self.stop = stop
        self.sessionStop = sessionStop
        self.isPaused = isPaused
        self.events = events
    }

    deinit { buffer.deallocate() }

    /// Blocks until the plane closes, or the peer can't be found.
    mutating func run() -> TransportError? {
        var waiting = 0
        switch greet() {
        case .found(let count): waiting = count
        case .stopped: return nil
        case .failed(let error): return error
        }
        let now = MonotonicClock.now()
        lastArrival = now
        if plan.receives { noteDrops(flow.socket.dropCounter, now) }
        events.ready()
        if showsAddress { (wakeUpsLeft, wakeUpDue) = (Self.greetings, now) }
        if waiting > 0 { take(waiting, now) }
        var lastTurn = now
        while !stop.isRaised, !sessionStop.isRaised {
            let received = receive()
            let now = MonotonicClock.now()
            if received >= Self.busyDatagrams { lastBusy = now }
            keepHouse(now)
            if received == 0 {
                if now - lastBusy >= Self.lookout { wait(now) } else { meter.lookedOut(for: now - lastTurn) }
            }
            lastTurn = now
        }
        return nil
    }

    // MARK: Finding the peer

    private enum Greeted {
        /// With a first datagram of so many bytes in the buffer, which is the peer's.
        case found(Int)
        case stopped
        case failed(TransportError)
    }

    private func greet() -> Greeted {
        switch flow.greeting {
        case .welcomed, .portOfItsOwn: return .found(0)
        case .hello(let token): return sayHello(token)
        case .awaited(let host): return awaitPeer(host)
        }
    }

    private func sayHello(_ token: FlowToken) -> Greeted {
        let index = UInt16(truncatingIfNeeded: flow.index)
        let hello = FlowHello(.hello, flow: index, token: token).encoded
        let ack = FlowHello(.ack, flow: index, token: token)
        for _ in 0..<Self.greetings {
            _ = flow.send(hello)
            let next = MonotonicClock.now() + Self.greetingPause
            while true {
                let count = (try? flow.socket.receive(into: buffer, info: info)) ?? nil
                if let count {
                    let datagram = UnsafeRawBufferPointer(rebasing: buffer[..<firstLength(count)])
                    if FlowHello(datagram) == ack { return .found(0) }
                    // Payload is as good an answer. A hello of another kind is none.
                    if !FlowHello.isLike(datagram) { return .found(count) }
                    continue
                }
                let now = MonotonicClock.now()
                guard now < next else { break }
                if wait(until: next, now) { return .stopped }
            }
        }
        return .failed(
            TransportError(
                .unreachable,
                "the server doesn't answer stream \(flow.index + 1)'s datagrams, only its control connection: does a "
                    + "firewall let TCP through and not UDP?", code: Int64(ETIMEDOUT)))
    }

    private func awaitPeer(_ host: String) -> Greeted {
        while true {
            if let count = (try? flow.socket.receive(into: buffer, info: info)) ?? nil {
                // A stranger doesn't use the port up.
                guard let remote = SocketAddress(bytes: info.remote), remote.host == host else { continue }
                guard (try? flow.socket.connect(to: remote)) != nil else { continue }
                return .found(count)
            }
            let now = MonotonicClock.now()
            if wait(until: now + Self.patience, now) { return .stopped }
        }
    }

    /// - Returns: Whether it is time to give up.
    private func wait(until time: MonotonicTime, _ now: MonotonicTime) -> Bool {
        _ = StreamPoll.wait(
            for: .readable, on: flow.socket.descriptor, stop, sessionStop, nanoseconds: (time - now).nanoseconds)
        return stop.isRaised || sessionStop.isRaised
    }

    /// A server that sends and doesn't receive has to be shown where to.
    private var showsAddress: Bool {
        guard case .portOfItsOwn = flow.greeting else { return false }
        return plan.receives && !plan.sends
    }

    // MARK: Receiving

    private func firstLength(_ count: Int) -> Int { min(count, info.segmentSize ?? count) }

    /// Takes what waits, up to a few hundred datagrams.
    ///
    /// - Returns: How many came.
    private mutating func receive() -> Int {
        var received = 0
        while received < 256 {
            // An error is an answer to something sent before, and gone when it is read: the sending thread judges it.
            guard let count = (try? flow.socket.receive(into: buffer, info: info)) ?? nil else { break }
            received += info.datagramCount(of: count)
            take(count, MonotonicClock.now())
        }
        return received
    }

    private mutating func take(_ count: Int, _ now: MonotonicTime) {
        // What was on its way to the port before the flow's socket had its peer.
        if case .welcomed(_, let peer) = flow.greeting, !peer.isSameEnd(as: info.remote) { return }
        guard plan.receives else { return takeMessages(count) }
        var hasPayload = false
        var hasMessages = false
        var isWhole = false
        let (bytes, segment, index) = (
            UnsafeRawBufferPointer(rebasing: buffer[..<count]), firstLength(count), flow.index
        )
        let dropCounter = info.dropCounter
        window.countDatagrams(stream: index, at: now) { meters in
            var payload = 0
            var start = 0
            while start < count {
                let end = min(start + segment, count)
                let datagram = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                start = end
                switch FlowDatagram(datagram) {
                case .data:
                    guard let header = DataHeader(datagram) else { continue }
                    hasPayload = true
                    let isNew = meters.record(
                        flow: index, sequence: header.sequence, timestamp: header.timestamp, at: now)
                    if isNew { payload += datagram.count }
                case .tail:
                    hasMessages = true
                    if let tail = TailMarker(datagram) { meters.announce(flow: index, sent: tail.sent) }
                case .hello, .feedback, .probe: hasMessages = true
                case .runt: break
                }
            }
            if let dropCounter { meters.noteReceiveBufferDrops(flow: index, counter: dropCounter) }
            isWhole = meters.isWhole(flow: index)
            return payload
        }
        if hasPayload {
            if !hasReceived { meter.begin() }
            hasReceived = true
            lastArrival = now
            if feedbackDue == .never, givesFeedback { feedbackDue = now + Self.feedbackPause }
            wakeUpsLeft = 0
            events.arrived(now)
        }
        if hasMessages { takeMessages(count) }
        // With the last one here nothing more can come, but copies.
        if isWhole, tailAt != nil { end(.finished, now) }
    }

    /// What in a run of datagrams isn't payload.
    private mutating func takeMessages(_ count: Int) {
        let segment = firstLength(count)
        var start = 0
        while start < count {
            let end = min(start + segment, count)
            let datagram = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
            start = end
            switch FlowDatagram(datagram) {
            case .hello:
                guard case .welcomed(let token, _) = flow.greeting,
                    FlowHello(datagram) == FlowHello(.hello, flow: UInt16(truncatingIfNeeded: flow.index), token: token)
                else { continue }
                flow.acknowledge(token)
            case .feedback:
                if plan.sends, let feedback = FlowFeedback(datagram) { flow.note(feedback) }
            case .tail:
                if plan.receives, tailAt == nil, TailMarker(datagram) != nil { tailAt = MonotonicClock.now() }
            case .probe: takeProbe(datagram)
            case .data, .runt: break
            }
        }
    }

    /// A server answers a probe with a receipt and, as far as its own side lets it, with the same size.
    private func takeProbe(_ datagram: UnsafeRawBufferPointer) {
        guard plan.parameters.settings.probesPathMTU, let probe = PathProbe(datagram) else { return }
        guard plan.role == .server else { return flow.note(probe, length: datagram.count) }
        guard probe.kind == .probe, Int(probe.size) == datagram.count else { return }
        for kind in [PathProbe.Kind.ack, .echo] {
            _ = flow.send(PathProbe(kind, sequence: probe.sequence, size: probe.size).encoded)
        }
    }

    // MARK: What is due

    private var givesFeedback: Bool {
        plan.role == .server && !plan.sends && plan.peer.contains(.takesDatagramFeedback)
    }

    private mutating func keepHouse(_ now: MonotonicTime) {
        if now >= feedbackDue {
            feedbackDue = now + Self.feedbackPause
            // In a pause there is no news, and its time must not show: afterwards `elapsed_ms` would fall.
            if !isPaused() { sendFeedback(now) }
        }
        if wakeUpsLeft > 0, now >= wakeUpDue {
            wakeUpsLeft -= 1
            wakeUpDue = now + Self.greetingPause
            _ = flow.send([0])
        }
        if plan.receives, !hasEnded { endIfOver(now) }
    }

    private func sendFeedback(_ now: MonotonicTime) {
        var progress: (received: UInt64, lost: UInt64) = (0, 0)
        let index = flow.index
        window.countDatagrams(stream: index, at: now) { meters in
            progress = meters.progress(flow: index)
            return 0
        }
        let elapsed = window.openedAt.map { now - $0 } ?? .zero
        let feedback = FlowFeedback(
            flow: UInt16(truncatingIfNeeded: index), elapsedMilliseconds: elapsed.nanoseconds / 1_000_000,
            received: progress.received, lost: progress.lost)
        _ = flow.send(feedback.encoded)
    }

    private mutating func endIfOver(_ now: MonotonicTime) {
        if isPaused() {
            lastArrival = now
            return
        }
        let isQrate = plan.peer.contains(.isQrate)
        if let tailAt {
            if now - tailAt >= Self.tailPatience { end(.finished, now) }
            return
        }
        let quiet = lastArrival.map { now - $0 } ?? .zero
        if let planned = window.plannedEnd, quiet >= Self.tailPatience {
            // A qrate says when it has ended; one whose every marker was lost may have lost datagrams before, too.
            if now >= planned + (isQrate ? Self.endPatience : Self.tailPatience) {
                return end(isQrate ? .reset : .finished, now)
            }
        }
        if window.isBudgetIn { return end(.finished, now) }
        if !isQrate, quiet >= Self.silence { end(.reset, now) }
    }

    private mutating func end(_ ending: ReceiverWindow.StreamEnding, _ now: MonotonicTime) {
        guard !hasEnded else { return }
        hasEnded = true
        meter.end()
        noteDrops(flow.socket.dropCounter, now)
        events.ended(ending)
    }

    private func noteDrops(_ counter: UInt32?, _ now: MonotonicTime) {
        guard let counter else { return }
        let index = flow.index
        window.countDatagrams(stream: index, at: now) { meters in
            meters.noteReceiveBufferDrops(flow: index, counter: counter)
            return 0
        }
    }

    private func wait(_ now: MonotonicTime) {
        var limit = Self.patience
        if plan.receives {
            let next = window.tick(at: now)
            if next != .never { limit = min(limit, next - now) }
            if tailAt != nil, !hasEnded { limit = min(limit, .milliseconds(50)) }
        }
        for due in [feedbackDue, wakeUpsLeft > 0 ? wakeUpDue : .never] where due != .never {
            limit = min(limit, due - now)
        }
        let ready = StreamPoll.wait(
            for: .readable, on: flow.socket.descriptor, stop, sessionStop, nanoseconds: limit.nanoseconds)
        if ready.isEmpty, plan.receives { window.tick(at: MonotonicClock.now()) }
    }
}
