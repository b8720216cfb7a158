package import QrateMeasurement

/// Small messages to a server that answers them at once, on a schedule that doesn't wait for the answers: what a client
/// measures latency with, before payload moves and while it does.
///
/// Everything here may be called from any task. What is still awaited returns when the session closes.
package protocol LatencyProbes: Sendable {
    /// Sends the probes of the idle phase, and returns when their answers are in or can't be expected any more.
    func measureIdle() async
    /// Begins to send the probes of the loaded phase.
    ///
    /// - Parameters:
    ///   - delay: When the first one is sent, from now.
    ///   - duration: How long they are sent unless ``finish()`` comes before; nil for no end.
    func beginLoaded(after delay: Duration, lasting duration: Duration?)
    /// Sends none for a while, or goes on.
    func setPaused(_ isPaused: Bool)
    /// Sends no more but those that are due, waits for the answers, for some seconds at most, and gives what was measured.
    /// Without a loaded phase, that has no probes.
    func finish() async -> LatencyReport
}

extension TransportSession {
    /// Transports that don't say otherwise have none.
    package func latencyProbes(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any LatencyProbes {
        throw TransportError(.usage, "this transport has no probes to measure latency with (--latency)")
    }
}
