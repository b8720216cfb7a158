package import QrateMeasurement

/// A measurement of handshakes for people. Each function gives whole, ended lines, in the order in which they are known.
package enum HandshakesText {
    private static let table = TextTable(columns: [
        TextTable.Column(title: "", width: 9, alignment: .left),
        TextTable.Column(title: "complete", width: 10), TextTable.Column(title: "failed", width: 8),
        TextTable.Column(title: "per second", width: 12), TextTable.Column(title: "median", width: 10),
        TextTable.Column(title: "p90", width: 10), TextTable.Column(title: "p99", width: 10),
        TextTable.Column(title: "max", width: 10),
    ])

    /// What is measured against whom.
    package static func header(_ report: HandshakeTestReport) -> String {
        var title = "\(HeaderText.software(report.client))   \(report.parameters.transport.displayName) handshakes"
        if let name = report.server.flatMap(HeaderText.name) { title += " with \(name)" }
        var lines = [title, plan(report)]
        if let server = report.server {
            let certificate = report.security.map { CertificateText($0) }
            lines.append(
                ["server \(HeaderText.software(server))", certificate?.verdict].compactMap(\.self)
                    .joined(separator: ", "))
            if let line = certificate?.fingerprintLine { lines.append(line) }
        }
        return lines.map(Paragraph.wrap).joined() + "\n"
    }

    /// `4 at a time, 10 s for both kinds, TLS 1.3, AES-128-GCM`.
    private static func plan(_ report: HandshakeTestReport) -> String {
        let parameters = report.parameters
        let kinds = parameters.kinds.map(\.rawValue).joined(separator: " and ")
        let time = parameters.duration.map { "\($0.secondsWithoutZeros) for \(kinds)" }
        let count = parameters.count.map { "\($0) \(kinds)" }
        let limit = [count, time].compactMap(\.self).joined(separator: " or ")
        let security = report.security.map {
            [$0.protocolVersion, $0.cipher].map { PrintableText.clean($0, limit: 40) }
        }
        return (["\(parameters.parallel) at a time", limit] + (security ?? [])).joined(separator: ", ")
    }

    package static var heading: String { table.heading + "\n" }

    /// The figures of one kind.
    package static func row(_ phase: HandshakePhaseReport) -> String {
        table.row([
            phase.kind.rawValue, Figure.count(phase.completed), Figure.count(phase.failed),
            phase.perSecond.map { fixedPoint($0, decimals: $0 < 100 ? 1 : 0) } ?? Figure.absent,
            Figure.latency(phase.latency?.median), Figure.latency(phase.latency?.percentile90),
            Figure.latency(phase.latency?.percentile99), Figure.latency(phase.latency?.maximum),
        ]) + "\n"
    }

    /// What no table holds.
    package static func summary(_ report: HandshakeTestReport) -> String {
        var lines: [String] = []
        if report.phases.contains(where: { $0.isPartial && $0.completed > 0 }) {
            lines.append("partial result: the measurement did not run to its planned end")
        }
        for phase in report.phases {
            let here = phase.perHandshake(phase.clientCPU), there = phase.perHandshake(phase.serverCPU)
            if let here {
                let server = there.map { ", \(Figure.latency($0)) at the server" } ?? ""
                lines.append("\(phase.kind.rawValue): CPU per handshake \(Figure.latency(here)) here\(server)")
            }
            if let median = phase.connectLatency?.median {
                lines.append("\(phase.kind.rawValue): TCP's part of it, median \(Figure.latency(median))")
            }
            if phase.failed > 0 {
                let faults = phase.failures.sorted { $0.key.rawValue < $1.key.rawValue }
                lines.append(
                    "\(phase.kind.rawValue): \(phase.failed) failed, "
                        + faults.map { "\(words($0.key)) \($0.value)" }.joined(separator: ", "))
            }
            if phase.mistaken > 0 {
                let other = phase.kind == .cold ? "resumed a session" : "resumed none"
                lines.append("\(phase.kind.rawValue): \(phase.mistaken) more \(other), and are in no figure")
            }
        }
        return lines.isEmpty ? "" : "\n" + lines.map(Paragraph.wrap).joined()
    }

    /// What a reader of the figures should know: no results, so it belongs on another stream.
    package static func notes(_ report: HandshakeTestReport) -> String {
        report.warnings.map { Paragraph.wrap("warning: " + PrintableText.clean($0.message, limit: 500)) }.joined()
    }

    private static func words(_ fault: HandshakeFault) -> String {
        switch fault {
        case .timeout: "without an answer in time"
        case .connectionRefused: "connection refused"
        case .certificate: "another certificate"
        case .protocolError: "refused or not understood"
        case .noTicket: "without a ticket to resume with"
        case .other: "connection lost"
        }
    }
}
