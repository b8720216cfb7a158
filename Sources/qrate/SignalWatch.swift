import Glibc
import Synchronization

/// Takes SIGINT, SIGTERM and SIGHUP on the main thread, with sigwait(3), so that no handler runs in the middle of
/// anything. Until somebody asks for them they do what they do to any program.
enum SignalWatch {
    typealias Handler = @Sendable (_ signal: Int32, _ isRepeated: Bool) -> Void

    private static let handler = Mutex<Handler?>(nil)
    private static let watched = [SIGINT, SIGTERM, SIGHUP]

    /// Runs `work` beside the main thread, which watches for signals from now on, and ends the process when it is done.
    static func run(_ work: @escaping @Sendable () async -> Void) -> Never {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in watched { sigaddset(&set, signal) }
        // Before there is a second thread: threads inherit the mask.
        pthread_sigmask(SIG_BLOCK, &set, nil)
        Task.detached {
            await work()
            exit(0)
        }
        var wantsEnd = false
        while true {
            var signal: Int32 = 0
            guard sigwait(&set, &signal) == 0 else { continue }
            guard let handler = handler.withLock({ $0 }) else { die(of: signal) }
            handler(signal, wantsEnd)
            wantsEnd = wantsEnd || signal != SIGHUP
        }
    }

    /// - Parameter body: Called on the main thread with the signal, and whether one that asks for the end came before it.
    ///   It must not block.
    static func handle(_ body: @escaping Handler) { handler.withLock { $0 = body } }

    /// Ends the process as the signal would have without us, so that a shell sees it.
    static func die(of signal: Int32) -> Never {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, signal)
        Glibc.signal(signal, SIG_DFL)
        raise(signal)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        _exit(128 + signal)
    }
}
