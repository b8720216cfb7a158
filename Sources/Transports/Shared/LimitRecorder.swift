import QrateMeasurement
import QrateStatistics
import Synchronization

/// A ``LimitClock`` that a sending thread keeps and others read.
final class LimitRecorder: Sendable {
    private let clock = Mutex<LimitClock?>(nil)

    /// The job begins. Its thread will say what it waits for.
    func begin(at now: MonotonicTime) { clock.withLock { $0 = LimitClock(.idle, at: now) } }

    /// By the sending thread, and only where the cause changes: the lock is nobody else's but for an instant per row.
    func limit(by cause: LimitCause?, at now: MonotonicTime) { clock.withLock { $0?.limit(by: cause, at: now) } }

    /// nil before the job begins.
    func shares(of causes: [LimitCause], at now: MonotonicTime) -> LimitShares? {
        clock.withLock { $0?.shares(of: causes, at: now) }
    }
}

/// The sending thread's side of it: says what is new.
struct LimitTeller {
    private let recorder: LimitRecorder
    private var last: LimitCause? = .idle

    init(_ recorder: LimitRecorder) { self.recorder = recorder }

    mutating func limit(by cause: LimitCause?, at now: MonotonicTime) {
        guard cause != last else { return }
        last = cause
        recorder.limit(by: cause, at: now)
    }
}
