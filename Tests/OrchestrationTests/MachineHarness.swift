import QrateControlProtocol
import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import QrateTransportAPI

/// Feeds a machine, and keeps the books of what it asked for: timers that are armed, answers that are due.
struct MachineHarness<Machine: SessionMachine> {
    private(set) var machine: Machine
    private(set) var now = MonotonicTime(nanoseconds: 0)
    private(set) var armed: [TimerName: MonotonicTime] = [:]
    /// Events that a loop would deliver, because the machine asked.
    private(set) var due: [SessionEvent] = []
    /// Plans that planes were asked for.
    private(set) var plans: [DataPlan] = []
    private(set) var finishes: [CloseReason] = []
    private(set) var isPaused = false
    private(set) var sent: [ControlMessage] = []
    /// Whether anything was asked for after the end.
    private(set) var spokeAfterEnd = false

    init(_ machine: Machine) { self.machine = machine }

    var isFinished: Bool { !finishes.isEmpty }

    @discardableResult
    mutating func feed(_ event: SessionEvent) -> [SessionAction<Machine.Output>] {
        let wasFinished = isFinished
        let actions = machine.handle(event, now: now)
        if wasFinished, !actions.isEmpty { spokeAfterEnd = true }
        for action in actions {
            if isFinished { spokeAfterEnd = true }
            book(action)
        }
        return actions
    }

    /// What time and the machine's own requests bring: the next answer that is due, else the next timer.
    ///
    /// - Returns: Whether there was any.
    mutating func advance() -> Bool {
        if !due.isEmpty {
            feed(due.removeFirst())
            return true
        }
        let running = armed.filter { !(isPaused && $0.key.standsStillInPause) }
        guard let (name, time) = running.min(by: { ($0.value, $0.key.order) < ($1.value, $1.key.order) }) else {
            return false
        }
        now = max(now, time)
        armed[name] = nil
        feed(.timer(name))
        return true
    }

    /// Delivers the answers that are due, and what comes of them at once.
    mutating func deliver() { while !due.isEmpty, advance() {} }

    private mutating func book(_ action: SessionAction<Machine.Output>) {
        let nothing = ReceivedTotals(measured: [0], warmUp: 0, drained: 0, duration: nil, isComplete: false)
        switch action {
        case .offer(let plan), .open(let plan, _):
            plans.append(plan)
            due.append(.planeReady(DataOffer(), PlaneSample()))
        case .sample: due.append(.sampled(PlaneSample(sent: [1])))
        case .measureIdle: due.append(.idleMeasured)
        case .finishLatency: due.append(.latencyMeasured(LatencyReport()))
        case .closeWindow: due.append(.windowClosed(nothing))
        case .admit: due.append(.admission(nil))
        case .measureUsage: due.append(.usageMeasured(.milliseconds(1)))
        case .setTimer(let name, let duration): armed[name] = now + duration
        case .cancelTimer(let name): armed[name] = nil
        case .finish(let reason): finishes.append(reason)
        case .setPaused(let isPaused):
            self.isPaused = isPaused
        case .send(let message): sent.append(message)
        case .start, .stopSending, .measureLoaded, .emit: break
        }
    }
}

extension TimerName {
    fileprivate var order: Int { TimerName.allCases.firstIndex(of: self) ?? 0 }
}

extension SessionAction {
    /// As in `send finish` or `set idle`: enough to compare a course of actions by.
    var summary: String {
        switch self {
        case .send(let message): "send \(message.name)"
        case .offer: "offer"
        case .open: "open"
        case .start: "start"
        case .measureIdle: "measure idle"
        case .measureLoaded: "measure loaded"
        case .finishLatency: "finish latency"
        case .stopSending(let how): "stop \(how)"
        case .setPaused(let isPaused): isPaused ? "pause" : "resume"
        case .sample: "sample"
        case .closeWindow: "close window"
        case .setTimer(let name, _): "set \(name)"
        case .cancelTimer(let name): "cancel \(name)"
        case .admit: "admit"
        case .measureUsage: "measureUsage"
        case .emit: "emit"
        case .finish(let reason): "finish \(reason)"
        }
    }
}

extension ControlMessage {
    var name: String { "\(Mirror(reflecting: self).children.first?.label ?? "?")" }
}
