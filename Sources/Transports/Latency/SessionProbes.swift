import QrateMeasurement
import QrateSockets
import QrateStatistics
import QrateTransportAPI

/// The two series of probes of a client's session.
final class SessionProbes: LatencyProbes {
    /// Through the transport; nil where it has no connection.
    private let inside: ProbeSeries?
    private let beside: ProbeSeries
    /// Open when the series' own threads have ended.
    private let hasEnded: [Latch]

    init(inside: ProbeSeries?, beside: ProbeSeries, _ hasEnded: [Latch]) {
        self.inside = inside
        self.beside = beside
        self.hasEnded = hasEnded
    }

    private var all: [ProbeSeries] { [inside, beside].compactMap(\.self) }

    func measureIdle() async {
        begin(.idle, from: MonotonicClock.now(), LatencyProber.idleInterval)
        for series in all { await series.settled() }
    }

    func beginLoaded(after delay: Duration, lasting duration: Duration?) {
        begin(.loaded, from: MonotonicClock.now() + delay, LatencyProber.loadedInterval, lasting: duration)
    }

    /// One series half an interval behind the other, so that they don't wait for each other on this host.
    private func begin(
        _ phase: LatencyProber.Phase, from start: MonotonicTime, _ interval: Duration, lasting duration: Duration? = nil
    ) {
        inside?.begin(phase, from: start, lasting: duration)
        beside.begin(phase, from: start + interval / 2, lasting: duration)
    }

    func setPaused(_ isPaused: Bool) { for series in all { series.setPaused(isPaused) } }

    func finish() async -> LatencyReport {
        for series in all { series.end() }
        for series in all { await series.settled() }
        return LatencyReport(inside: inside?.comparison, beside: beside.comparison)
    }

    /// Returns when the threads have ended.
    func close() async {
        for series in all { series.close() }
        for latch in hasEnded { await latch.wait() }
    }
}
