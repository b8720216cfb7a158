import Glibc
import QrateSockets

/// Calls back for SIGINT, SIGTERM and SIGHUP, on a thread of its own.
///
/// The signals are blocked everywhere and taken with sigwait(3), so that no handler runs in the middle of anything.
final class SignalWatch: Sendable {
    private static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, signal) }
        return set
    }

    /// For the whole process, when called before there is a second thread.
    static func block() {
        var set = signals
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// - Parameter handler: Gets the signal, and how many came so far.
    init(_ handler: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Void) {
        DedicatedThread(name: "qrate-signals") {
            var set = Self.signals
            var count = 0
            while true {
                var signal: Int32 = 0
                guard sigwait(&set, &signal) == 0 else { continue }
                count += 1
                handler(signal, count)
            }
        }.detach()  // lives as long as the process
    }
}
