import QrateMeasurement
import QrateOrchestration
import QrateSecurity
import QrateTransportAPI
import QrateTransports

/// What ``RecordingOptions`` ask for, opened.
struct Recording: Sendable {
    var qlog: QlogDirectory?
    var keyLog: KeyLog?

    /// - Parameter transports: What is going to run: what it has no use for isn't opened.
    /// - Throws: `permission` or `badInput` for what can't be written.
    static func open(
        _ options: RecordingOptions, for transports: Set<TransportKind>
    ) throws(TestFailure) -> Recording {
        var recording = Recording()
        if let directory = options.qlogDirectory, transports.contains(.quic) {
            do throws(TransportError) { recording.qlog = try .open(directory) } catch { throw error.failure }
        }
        if let file = options.keyLogFile, !transports.isDisjoint(with: [.quic, .tls]) {
            do throws(SecurityError) { recording.keyLog = try .open(file) } catch { throw error.failure }
        }
        return recording
    }

    /// Ends it, and puts what came of it into the client's report.
    func conclude(_ report: inout TestReport) async {
        if let qlog = await qlog?.close() {
            report.qlog = qlog
            report.warnings += TestWarning.about(qlog)
        }
        report.warnings += keyLogWarnings
    }

    /// What the reader of a client's report should know of its key log.
    var keyLogWarnings: [TestWarning] {
        guard let keyLog else { return [] }
        return [.keyLog(at: .client)] + (keyLog.failure.map { [.incompleteKeyLog($0)] } ?? [])
    }
}
