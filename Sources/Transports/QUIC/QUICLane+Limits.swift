import QrateMeasurement
import QrateQUICCore
import QrateSockets
import QrateStatistics

/// What the lane's time goes to.
extension QUICLane {
    /// The thread has worked for the lane since `began`, and has sent what could be sent: from now on it waits for what holds
    /// the rest back. With nothing in its way it waits for its next turn, which is the processor's doing.
    ///
    /// The one reading of the clock here is per turn, not per packet.
    func didSend(workSince began: MonotonicTime, isSocketFull: Bool) {
        guard limits != nil, !isPaused, !hasSent else { return }
        limits?.limit(by: .cpu, at: began)
        limits?.limit(by: cause(isSocketFull: isSocketFull), at: MonotonicClock.now())
    }

    private func cause(isSocketFull: Bool) -> LimitCause {
        switch connection.payloadHold {
        case .nothingToSend: .idle
        case _ where isSocketFull: .socketBuffer  // what the connection counts as in flight hasn't left this host
        case .congestionWindow: .congestionWindow
        case .flowControl: .flowControl
        case .pacing: .pacing
        // Without a rate, what others were granted of a budget.
        case .allowance: isRatePaced ? .targetBitrate : .application
        case nil: .cpu
        }
    }
}
