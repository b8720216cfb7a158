package import QrateControlProtocol
package import QrateMeasurement
package import QrateTransportAPI

/// What can happen to one end of a test. The machines take them in any order.
package indirect enum SessionEvent: Sendable {
    /// The session is up: the first event.
    case connected(PeerIdentity)
    case received(ControlMessage)
    /// A line that isn't a message. Nothing is received after it.
    case malformed(ControlError)
    /// The peer ended its half of the control channel.
    case controlEnded
    /// The plane that was asked for is there; with the server's offer and a first sample.
    case planeReady(DataOffer, PlaneSample)
    case plane(PlaneEvent)
    case sampled(PlaneSample)
    case windowClosed(ReceivedTotals)
    /// Client: latency was measured before the test.
    case idleMeasured
    /// Client: and during it.
    case latencyMeasured(LatencyReport)
    case timer(TimerName)
    /// Server: whether the test that was asked for may run; nil is yes.
    case admission(TestFailure?)
    /// Server: the processor time that this process has used.
    case usageMeasured(Duration)
    /// Client: the user wants out. Server: the process shuts down.
    case stopRequested
    /// Client: the user wants payload to stand still, or to go on.
    case pauseRequested(Bool)
    /// The connection is gone, or couldn't be made.
    case transportFailed(TransportError)
}

/// What a machine wants done, in order.
package indirect enum SessionAction<Output: Sendable>: Sendable {
    case send(ControlMessage)
    /// Server: make the plane. Answered by ``SessionEvent/planeReady(_:_:)``.
    case offer(DataPlan)
    /// Client: make the plane that the server offered. Answered likewise.
    case open(DataPlan, DataOffer)
    case start(SendJob)
    /// Client: measure latency while nothing moves. Answered by ``SessionEvent/idleMeasured``.
    case measureIdle(DataPlan, DataOffer)
    /// Client: and from so long after now on, for so long at most.
    case measureLoaded(after: Duration, lasting: Duration?)
    /// Client: end that. Answered by ``SessionEvent/latencyMeasured(_:)``, once.
    case finishLatency
    case stopSending(SendEnd)
    /// The plane and the timers of the test's course stand still, or go on.
    case setPaused(Bool)
    /// Answered by ``SessionEvent/sampled(_:)``, once each.
    case sample
    /// Answered by ``SessionEvent/windowClosed(_:)``, once each.
    case closeWindow
    /// Sets or resets the timer of that name.
    case setTimer(TimerName, Duration)
    case cancelTimer(TimerName)
    /// Server: ask for a place. Answered by ``SessionEvent/admission(_:)``.
    case admit(TestParameters)
    /// Server: read the process's clock. Answered by ``SessionEvent/usageMeasured(_:)``.
    case measureUsage
    case emit(Output)
    /// Close the session; the machine is done. Always the last action.
    case finish(CloseReason)
}

/// A machine has at most one timer of each name.
package enum TimerName: Sendable, Hashable, CaseIterable {
    case firstLine, reply, idle, plannedEnd, sendingEnd, longestTest, drain, finalReport, result, cancelGrace, rowPath
    case interval, foreignEnd, linger, longestPause

    /// Whether its time doesn't pass while the test is paused.
    package var standsStillInPause: Bool {
        switch self {
        case .idle, .plannedEnd, .sendingEnd, .longestTest, .drain, .finalReport, .foreignEnd, .result: true
        case .firstLine, .reply, .cancelGrace, .rowPath, .interval, .linger, .longestPause: false
        }
    }
}

/// One end of a test as a value: no task, no clock, no I/O.
package protocol SessionMachine: Sendable {
    associatedtype Output: Sendable
    /// - Parameter now: never less than in an earlier call.
    mutating func handle(_ event: SessionEvent, now: MonotonicTime) -> [SessionAction<Output>]
}
