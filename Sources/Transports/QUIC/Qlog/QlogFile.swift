import Glibc

/// The file of one trace. The writer's thread owns it.
final class QlogFile {
    let trace: QlogTrace
    private let directory: String
    private var descriptor: Int32?
    private var failure: Int32?
    /// Goes back and forth between this thread and the connection's, so that both keep their memory.
    private var content = QlogTrace.Content()

    /// What one look after a trace came to.
    struct Outcome {
        /// What it had waiting.
        var taken = 0
        var written = 0
        var events: UInt64 = 0
        var dropped: UInt64 = 0
        var hasMadeFile = false
        var isOver = false
        /// An errno.
        var failure: Int32?
    }

    /// Different connections may have the same ID: a client may use one twice.
    private static let mostOfOneName = 1000

    init(_ trace: QlogTrace, in directory: String) {
        self.trace = trace
        self.directory = directory
    }

    deinit { if let descriptor { close(descriptor) } }

    /// Writes what waits.
    ///
    /// - Parameter isLast: Nothing more shall come.
    func attend(isLast: Bool) -> Outcome {
        var outcome = Outcome()
        outcome.isOver = trace.exchange(&content, isLast: isLast)
        defer {
            content.bytes.removeAll(keepingCapacity: true)
            content.events = 0
            content.dropped = 0
        }
        outcome.taken = content.bytes.count
        outcome.dropped = content.dropped
        if !content.bytes.isEmpty {
            if descriptor == nil, failure == nil {
                create()
                outcome.hasMadeFile = descriptor != nil
            }
            if failure == nil { outcome.written = write() }
            if failure == nil { outcome.events = content.events } else { outcome.dropped += content.events }
        }
        outcome.failure = failure
        return outcome
    }

    private func create() {
        for attempt in 1...Self.mostOfOneName {
            let name = attempt == 1 ? trace.name : "\(attempt)-\(trace.name)"
            let raw = open("\(directory)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            let code = errno
            if raw >= 0 {
                descriptor = raw
                return
            }
            guard code == EEXIST, attempt < Self.mostOfOneName else {
                failure = code
                return
            }
        }
    }

    /// How many bytes are in the file now that weren't.
    private func write() -> Int {
        var written = 0
        content.bytes.withUnsafeBytes { bytes in
            while written < bytes.count, let descriptor, let start = bytes.baseAddress {
                let count = Glibc.write(descriptor, start + written, bytes.count - written)
                let code = errno
                if count < 0, code == EINTR { continue }
                guard count > 0 else {
                    failure = count < 0 ? code : ENOSPC
                    return
                }
                written += count
            }
        }
        return written
    }
}
