import Glibc

/// What one end of one loop did, and the CPU time its thread spent on that.
struct LoopCost: Sendable, Encodable {
    let payloadBytes: UInt64
    /// User and system time of the thread.
    let cpuSeconds: Double
    let elapsedSeconds: Double

    /// Nil when nothing was moved.
    var cpuSecondsPerGigabyte: Double? { payloadBytes == 0 ? nil : cpuSeconds / (Double(payloadBytes) / 1e9) }
    var bitsPerSecond: Double? { elapsedSeconds > 0 ? Double(payloadBytes) * 8 / elapsedSeconds : nil }

    private enum CodingKeys: String, CodingKey {
        case payloadBytes = "payload_bytes"
        case cpuSeconds = "cpu_s"
        case elapsedSeconds = "elapsed_s"
        case cpuSecondsPerGigabyte = "cpu_per_gigabyte_s"
        case bitsPerSecond = "throughput_bps"
    }

    func encode(to encoder: any Encoder) throws {
        var keyed = encoder.container(keyedBy: CodingKeys.self)
        try keyed.encode(payloadBytes, forKey: .payloadBytes)
        try keyed.encode(cpuSeconds, forKey: .cpuSeconds)
        try keyed.encode(elapsedSeconds, forKey: .elapsedSeconds)
        try keyed.encodeIfPresent(cpuSecondsPerGigabyte, forKey: .cpuSecondsPerGigabyte)
        try keyed.encodeIfPresent(bitsPerSecond, forKey: .bitsPerSecond)
    }
}

/// Reads the calling thread's CPU clock and the wall clock side by side. Belongs to the thread that made it.
struct ThreadStopwatch {
    private let cpuStart = seconds(of: CLOCK_THREAD_CPUTIME_ID)
    private let wallStart = seconds(of: CLOCK_MONOTONIC)

    var elapsedSeconds: Double { Self.seconds(of: CLOCK_MONOTONIC) - wallStart }

    /// - Parameter ending: When the work ended, if that is earlier than now: seconds after the start.
    func cost(ofPayload bytes: UInt64, ending: Double? = nil) -> LoopCost {
        LoopCost(
            payloadBytes: bytes, cpuSeconds: Self.seconds(of: CLOCK_THREAD_CPUTIME_ID) - cpuStart,
            elapsedSeconds: ending ?? elapsedSeconds)
    }

    private static func seconds(of clock: clockid_t) -> Double {
        var now = timespec()
        clock_gettime(clock, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
