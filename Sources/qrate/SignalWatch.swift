import Glibc
import Synchronization

/// Takes SIGINT, SIGTERM and SIGHUP on the main thread, with sigwait(3), so that no handler runs in the middle of
/// anything. Until somebody asks for them they do what they do to any program.
enum SignalWatch {
    /// What to do instead of dying.
    private struct Handlers {
        var end: @Sendable (_ signal: Int32, _ count: Int) -> Void
        var hangUp: (@Sendable () -> Void)?
    }

    private static let handlers = Mutex<Handlers?>(nil)
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
        var count = 0
        while true {
            var signal: Int32 = 0
            guard sigwait(&set, &signal) == 0 else { continue }
            guard let handlers = handlers.withLock({ $0 }) else { die(of: signal) }
            if signal == SIGHUP, let hangUp = handlers.hangUp {
                hangUp()
                continue
            }
            count += 1
            handlers.end(signal, count)
        }
    }

    /// Both are called on the main thread and must not block.
    ///
    /// - Parameters:
    ///   - hangUp: What SIGHUP does, if it isn't to end the program.
    ///   - end: Called with the signal that shall end the program, and how many such came so far.
    static func handle(
        hangUp: (@Sendable () -> Void)? = nil, end: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Void
    ) {
        handlers.withLock { $0 = Handlers(end: end, hangUp: hangUp) }
    }

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
