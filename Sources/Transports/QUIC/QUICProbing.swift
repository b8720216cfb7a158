import QrateMeasurement
import QrateQUICCore
import QrateStatistics

/// What a QUIC connection has to do with latency probes, on its endpoint's thread.
enum QUICProbing {
    /// A server's: answers those of open tests.
    case answering(EchoDoor)
    /// A client's: sends the series' probes, those of the idle phase or of the loaded one or of both.
    case probing(ProbeSeries, Set<LatencyProber.Phase>)

    /// When the connection needs a turn because of them.
    var deadline: MonotonicTime {
        guard case .probing(let series, let phases) = self else { return .never }
        return series.deadline(sends: series.phase.map(phases.contains) ?? false)
    }

    /// Sends what is due.
    func turn(_ connection: QUICConnection, now: MonotonicTime) {
        guard case .probing(let series, let phases) = self else { return }
        if let phase = series.phase, phases.contains(phase) {
            for probe in series.pollDue(now: now) { connection.sendProbe(probe) }
        }
        series.check(now)
    }

    /// Takes a probe or an answer that came at `now`.
    func handle(_ message: [UInt8], _ connection: QUICConnection, at now: MonotonicTime) {
        message.withUnsafeBytes { bytes in
            switch self {
            case .answering(let door):
                if let answer = door.answer(bytes, at: now) { connection.sendProbe(answer) }
            case .probing(let series, _): series.handle(bytes, at: now)
            }
        }
    }
}
