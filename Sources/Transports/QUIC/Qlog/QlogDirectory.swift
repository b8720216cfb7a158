import Glibc
package import QrateMeasurement
package import QrateQUICCore
import QrateSockets
package import QrateTransportAPI
import Synchronization

/// A directory that the events of QUIC connections are written into: a file each, as qvis reads it.
///
/// Connections' threads only copy. One thread writes, four times a second and when much has come. When it can't keep up,
/// events are dropped and counted; none is cut in two.
package final class QlogDirectory: EventLog {
    private let path: String
    private let room: QlogRoom
    private let wakeUp: WakeUp
    private let state: Mutex<State>

    private struct State {
        var report: QlogReport
        /// Traces that the writer hasn't seen yet.
        var new: [QlogTrace] = []
        var life = Life.idle
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private enum Life {
        /// There was no connection yet, and there is no thread.
        case idle
        case writing, closing, closed
    }

    /// How long events wait at most, so that a file can be followed while it grows.
    private static let pause: Int32 = 250

    /// Makes the directory where it isn't there, with mode 0700. Blocks on the file system.
    ///
    /// - Parameter room: How many bytes may wait to be written.
    /// - Throws: `permission` or `badInput` when nothing can be written there.
    package static func open(
        _ path: String, room: Int = QlogRoom.limit
    ) throws(TransportError) -> QlogDirectory {
        func refuse(_ code: Int32) -> TransportError {
            let isDenied = code == EACCES || code == EPERM || code == EROFS
            return TransportError(
                isDenied ? .permission : .badInput,
                "the directory \(path) for qlogs cannot be used: \(String(cString: strerror(code)))", code: Int64(code))
        }
        if mkdir(path, 0o700) != 0 {
            let code = errno
            guard code == EEXIST else { throw refuse(code) }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw refuse(errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw refuse(ENOTDIR) }
        guard access(path, W_OK | X_OK) == 0 else { throw refuse(errno) }
        do throws(SocketError) {
            return QlogDirectory(path, QlogRoom(room), try WakeUp())
        } catch {
            throw refuse(error.code)
        }
    }

    private init(_ path: String, _ room: QlogRoom, _ wakeUp: WakeUp) {
        self.path = path
        self.room = room
        self.wakeUp = wakeUp
        state = Mutex(State(report: QlogReport(directory: path)))
    }

    /// What came of it so far.
    package var report: QlogReport { state.withLock { $0.report } }

    package func begin(_ original: ConnectionID, at role: Role) -> any EventTrace {
        let trace = QlogTrace(original, role, room: room) { [wakeUp] in wakeUp.signal() }
        let needsThread = state.withLock { state in
            switch state.life {
            case .idle:
                state.life = .writing
                state.new.append(trace)
                return true
            case .writing:
                state.new.append(trace)
            case .closing, .closed: trace.end()
            }
            return false
        }
        if needsThread { DedicatedThread(name: "qrate-qlog") { self.run() }.detach() }
        return trace
    }

    /// Writes what there is, also of connections that haven't ended, and ends. Idempotent.
    package func close() async -> QlogReport {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                switch state.life {
                case .idle, .closed:
                    state.life = .closed
                    return true
                case .writing, .closing:
                    state.life = .closing
                    state.waiters.append(continuation)
                    return false
                }
            }
            if isOver { continuation.resume() } else { wakeUp.signal() }
        }
        return report
    }

    // MARK: The writer

    private func run() {
        var files: [QlogFile] = []
        while true {
            wakeUp.wait(milliseconds: files.isEmpty ? nil : Self.pause)
            let (new, isLast) = state.withLock { state in
                defer { state.new = [] }
                return (state.new, state.life == .closing)
            }
            files += new.map { QlogFile($0, in: path) }
            files.removeAll { file in
                let outcome = file.attend(isLast: isLast)
                room.giveBack(outcome.taken)
                count(outcome)
                return outcome.isOver
            }
            let used = Self.processorTime
            state.withLock { $0.report.writerCPU = used }
            if isLast { break }
        }
        let waiters = state.withLock { state in
            state.life = .closed
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func count(_ outcome: QlogFile.Outcome) {
        state.withLock { state in
            if outcome.hasMadeFile { state.report.files += 1 }
            state.report.bytes += ByteCount(UInt64(outcome.written))
            state.report.events += outcome.events
            state.report.droppedEvents += outcome.dropped
            if let code = outcome.failure, state.report.failure == nil {
                state.report.failure = String(cString: strerror(code))
            }
        }
    }

    /// Of this thread, in user mode and in the kernel.
    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
