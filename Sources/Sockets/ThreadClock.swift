import CQrateSocketShims

/// The processor time that a thread has used since it began.
package struct ThreadTimes: Sendable, Hashable {
    /// In user mode, and in the kernel on the thread's behalf.
    package var user: Duration
    package var system: Duration

    package init(user: Duration, system: Duration) {
        self.user = user
        self.system = system
    }

    package var total: Duration { user + system }
}

/// Reads the processor time of one thread of this process, from any other.
///
/// The sum is the scheduler's, exact to the microsecond. Most kernels only sample which of it was user mode, some hundred
/// times a second: the division is true of long times, not of short ones.
package struct ThreadClock: Sendable {
    private let thread: Int32

    /// Of the calling thread.
    package init() { thread = Int32(qrate_thread_id()) }

    /// nil when the thread has ended, or the system doesn't tell. Three system calls.
    package var times: ThreadTimes? { Self.read(thread) }

    /// The calling thread's own; one system call.
    package static var own: ThreadTimes? { read(0) }

    private static func read(_ thread: Int32) -> ThreadTimes? {
        var user: Int64 = 0, system: Int64 = 0
        guard qrate_thread_times(thread, &user, &system) == 0 else { return nil }
        return ThreadTimes(user: .nanoseconds(user), system: .nanoseconds(system))
    }
}
