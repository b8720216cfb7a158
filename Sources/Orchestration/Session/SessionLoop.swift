import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// Runs a machine over a session: waits for what happens, and does what the machine says. It decides nothing.
///
/// Helpers in child tasks wait (for bytes, for the plane, for a timer) and post what they got; the machine is touched
/// by the loop alone. When the machine is finished, or the task is cancelled, the session is closed and every helper
/// has ended when ``run()`` returns.
struct SessionLoop<Machine: SessionMachine> {
    private var machine: Machine
    private let session: any TransportSession
    private let mailbox: Mailbox
    private let time: Timekeeper
    private let admit: @Sendable (TestParameters) -> TestFailure?
    private let emit: @Sendable (Machine.Output) -> Void

    private var plane: (any DataPlane)?
    private var probes: (any LatencyProbes)?
    private var timers: TimerSet
    private let outbox: Outbox
    /// nil once something other than a message came: what follows can't be told apart any more.
    private var lines: LineReader? = LineReader()
    private var closing: CloseReason?
    /// Rows that the machine has got.
    private var rowCount = 0
    /// The end of a window some of whose rows are still on their way.
    private var closedWindow: ClosedWindow?

    /// - Parameters:
    ///   - mailbox: Fresh. What others post there (that the loop shall stop) is taken up in turn.
    ///   - admit: Answers ``SessionAction/admit(_:)``: nil is yes.
    init(
        _ machine: Machine, over session: any TransportSession, mailbox: Mailbox, time: Timekeeper,
        admit: @escaping @Sendable (TestParameters) -> TestFailure? = { _ in nil },
        emit: @escaping @Sendable (Machine.Output) -> Void
    ) {
        self.machine = machine
        self.session = session
        self.mailbox = mailbox
        self.time = time
        self.admit = admit
        self.emit = emit
        timers = TimerSet(time) { mailbox.post(.ring($0)) }
        outbox = Outbox(session.control)
    }

    /// - Returns: The machine in its last state.
    mutating func run() async -> Machine {
        let inbox = Inbox(session.control)
        await withDiscardingTaskGroup { group in
            group.addTask { [mailbox] in await inbox.run(mailbox) }
            group.addTask { [outbox] in await outbox.run() }
            handle(.connected(session.peer), &group)
            var signals = mailbox.signals.makeAsyncIterator()
            while closing == nil, let signal = await signals.next() {
                switch signal {
                case .bytes(let bytes):
                    take(bytes, &group)
                    inbox.readOn()
                case .event(.controlEnded): endControl(&group)
                case .event(let event):
                    handle(event, &group)
                    guard case .plane(.interval) = event else { continue }
                    rowCount += 1
                    endWindow(&group)
                case .ring(let ring): if timers.take(ring) { handle(.timer(ring.name), &group) }
                case .planeReady(let plane, let offer, let sample):
                    self.plane = plane
                    handle(.planeReady(offer, sample), &group)
                case .probesReady(let probes): self.probes = probes
                case .windowClosed(let window):
                    closedWindow = window
                    endWindow(&group)
                }
            }
            timers.cancelAll()
            await session.close(closing ?? .shuttingDown)  // this also ends what waits for the session
            group.cancelAll()
        }
        return machine
    }

    // MARK: - Events

    private mutating func take(_ bytes: [UInt8], _ group: inout DiscardingTaskGroup) {
        lines?.append(bytes)
        do {
            while closing == nil, let line = try lines?.nextLine() {
                handle(.received(try ControlCodec.decode(line)), &group)
            }
        } catch {
            lines = nil
            handle(.malformed(error), &group)
        }
    }

    private mutating func endControl(_ group: inout DiscardingTaskGroup) {
        do { try lines?.finish() } catch { handle(.malformed(error), &group) }
        lines = nil
        handle(.controlEnded, &group)
    }

    /// Tells the machine that its window is closed, once it has all of the window's rows: they come another way.
    private mutating func endWindow(_ group: inout DiscardingTaskGroup) {
        guard let window = closedWindow, rowCount >= window.rowCount else { return }
        closedWindow = nil
        handle(.windowClosed(window.totals), &group)
    }

    private mutating func handle(_ event: SessionEvent, _ group: inout DiscardingTaskGroup) {
        var events = [event]  // and those that come of performing its actions
        while closing == nil, !events.isEmpty {
            for action in machine.handle(events.removeFirst(), now: time.now) {
                if let consequence = perform(action, &group) { events.append(consequence) }
            }
        }
    }

    // MARK: - Actions

    private mutating func perform(
        _ action: SessionAction<Machine.Output>, _ group: inout DiscardingTaskGroup
    ) -> SessionEvent? {
        switch action {
        case .send(let message):
            do throws(TransportError) { try outbox.put(message) } catch { return .transportFailed(error) }
        case .offer(let plan):
            makePlane(&group) { [session] () async throws(TransportError) in try await session.offer(plan) }
        case .open(let plan, let offer):
            makePlane(&group) { [session] () async throws(TransportError) in
                (try await session.open(plan, offer), offer)
            }
        case .start(let job): plane?.start(job)
        case .measureIdle(let plan, let offer): measureIdle(plan, offer, &group)
        case .measureLoaded(let delay, let duration): probes?.beginLoaded(after: delay, lasting: duration)
        case .finishLatency:
            group.addTask { [probes, mailbox] in
                if let probes { mailbox.post(.latencyMeasured(await probes.finish())) }
            }
        case .stopSending(let how): plane?.stopSending(how)
        case .setPaused(let isPaused):
            plane?.setPaused(isPaused)
            probes?.setPaused(isPaused)
            timers.setPaused(isPaused)
        case .sample:
            group.addTask { [plane, mailbox] in if let plane { mailbox.post(.sampled(await Self.sample(plane))) } }
        case .closeWindow:
            group.addTask { [plane, mailbox] in
                if let plane { mailbox.post(.windowClosed(await plane.closeWindow())) }
            }
        case .setTimer(let name, let duration): timers.set(name, after: duration)
        case .cancelTimer(let name): timers.cancel(name)
        case .admit(let parameters): return .admission(admit(parameters))
        case .measureUsage: return .usageMeasured(ProcessClock.now())
        case .emit(let output): emit(output)
        case .finish(let reason): closing = reason
        }
        return nil
    }

    /// The plane's state, and the clocks'.
    private static func sample(_ plane: any DataPlane) async -> PlaneSample {
        var sample = await plane.sample()
        sample.clockOffset = WallClock.offset()
        return sample
    }

    /// Makes the plane, then forwards what happens on it.
    private func makePlane(
        _ group: inout DiscardingTaskGroup,
        _ make: @escaping @Sendable () async throws(TransportError) -> (any DataPlane, DataOffer)
    ) {
        group.addTask { [mailbox] in
            do throws(TransportError) {
                let (plane, offer) = try await make()
                mailbox.post(.planeReady(plane, offer, await Self.sample(plane)))
                for await event in plane.events { mailbox.post(.plane(event)) }
            } catch {
                mailbox.post(.plane(.failed(error)))
            }
        }
    }

    private func measureIdle(_ plan: DataPlan, _ offer: DataOffer, _ group: inout DiscardingTaskGroup) {
        group.addTask { [session, mailbox] in
            do throws(TransportError) {
                let probes = try await session.latencyProbes(plan, offer)
                mailbox.post(.probesReady(probes))
                await probes.measureIdle()
                mailbox.post(.idleMeasured)
            } catch {
                mailbox.post(.plane(.failed(error)))
            }
        }
    }
}
