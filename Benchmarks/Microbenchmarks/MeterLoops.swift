import QrateMeasurement
import QrateSockets
import QrateStatistics
import QrateTransports

/// What qrate itself does for each batch or datagram: counting, judging and pacing.
enum MeterLoops {
    static func all() -> [any Benchmark] { [receiveMeter, row, datagramMeter, tokenBucket, limitClock, limitTurn] }

    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)
    /// Operations per call, so that the loop around it doesn't count.
    private static let batch = 1000

    /// What a receiver asks for every batch.
    private static var receiveMeter: Loop {
        var meter = ReceiveMeter(streams: 16, warmUp: .zero, interval: .seconds(1), duration: nil)
        meter.open(at: start)
        return Loop(name: "receive-meter/batch", operation: "batch", operations: batch) {
            for step in 0..<batch { keep(meter.isDue(at: start + .nanoseconds(Int64(step)))) }
        }
    }

    /// What it does once per row.
    private static var row: Loop {
        var meter = ReceiveMeter(streams: 16, warmUp: .zero, interval: .seconds(1), duration: nil)
        meter.open(at: start)
        let counters = [UInt64](repeating: 1 << 20, count: 16)
        var now = start
        return Loop(name: "receive-meter/row", operation: "row") {
            now = now + .seconds(1)
            counters.withUnsafeBufferPointer { keep(meter.advance(to: now, counters: $0)) }
        }
    }

    private static var datagramMeter: Loop {
        var meter = DatagramMeter()
        var sequence: UInt64 = 0
        var now = start
        return Loop(name: "datagram-meter", operation: "datagram", operations: batch) {
            for _ in 0..<batch {
                now = now + .microseconds(1)
                keep(meter.record(sequence: sequence, timestamp: now.nanoseconds / 1000, at: now))
                sequence += 1
            }
        }
    }

    /// What a sender's account of its time costs per change of what limits it.
    private static var limitClock: Loop {
        var clock = LimitClock(.idle, at: start)
        var now = start
        return Loop(name: "limit-clock", operation: "change", operations: batch) {
            for step in 0..<batch {
                now = now + .microseconds(1)
                clock.limit(by: step & 1 == 0 ? .cpu : .congestionWindow, at: now)
            }
            keep(clock)
        }
    }

    /// All of it in one turn of a QUIC sender, of 1 to 192 packets: two changes, and two readings of the system's clock. What
    /// the connection is asked besides are comparisons.
    private static var limitTurn: Loop {
        var clock = LimitClock(.idle, at: MonotonicClock.now())
        return Loop(name: "limit-clock/turn", operation: "turn", operations: batch) {
            for _ in 0..<batch {
                clock.limit(by: .cpu, at: MonotonicClock.now())
                clock.limit(by: .congestionWindow, at: MonotonicClock.now())
            }
            keep(clock)
        }
    }

    private static var tokenBucket: Loop {
        var bucket = TokenBucket(Bitrate(bitsPerSecond: 10_000_000_000), bursts: 1400...65_000, now: start)
        var now = start
        return Loop(name: "token-bucket", operation: "burst", operations: batch) {
            for _ in 0..<batch {
                now = now + .microseconds(50)
                bucket.take(bucket.available(at: now))
            }
        }
    }
}
