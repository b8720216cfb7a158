package import QrateMeasurement

/// About what an end recorded while it measured.
extension TestWarning {
    /// A server's figures about its qlog are its operator's.
    package static let serverQlog = TestWarning(
        code: "qlog",
        message:
            "The server wrote every packet into a qlog, which takes processor time: figures are lower than without.")

    /// The client's qlog.
    package static func about(_ qlog: QlogReport) -> [TestWarning] {
        let cost = TestWarning(
            code: "qlog",
            message:
                "The client wrote \(qlog.events) events into a qlog (\(qlog.bytes.bytes) bytes in \(qlog.directory)), "
                + "which took \(fixedPoint(qlog.writerCPU.seconds, decimals: 3)) s of processor time beside what its "
                + "connections' threads spent on them: figures are lower than without.")
        guard qlog.droppedEvents > 0 || qlog.failure != nil else { return [cost] }
        let reason = qlog.failure ?? "they came faster than they could be written"
        let loss = TestWarning(
            code: "qlog_incomplete",
            message:
                "\(qlog.droppedEvents) events are missing from the qlog (\(reason)): what is counted in it is too low.")
        return [cost, loss]
    }

    package static func keyLog(at role: Role) -> TestWarning {
        TestWarning(
            code: "key_log",
            message:
                "The \(role.rawValue) appended the secrets of this test's connections to a key log: who has it can "
                + "read what they carried.")
    }

    package static func incompleteKeyLog(_ reason: String) -> TestWarning {
        TestWarning(code: "key_log_incomplete", message: "Secrets are missing from the client's key log: \(reason).")
    }
}
