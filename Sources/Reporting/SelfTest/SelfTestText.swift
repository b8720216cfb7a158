package import QrateMeasurement

/// A self-test for people. Each function gives whole, ended lines, in the order in which they are known.
package enum SelfTestText {
    private static let table = TextTable(columns: [
        TextTable.Column(title: "", width: 6, alignment: .left), TextTable.Column(title: "rate", width: 13),
        TextTable.Column(title: "", width: 3, alignment: .left),
        TextTable.Column(title: "", width: 1, alignment: .left),
    ])

    /// Which host, and what is about to run.
    package static func header(_ report: SelfTestReport) -> String {
        let platform = report.host.platform
        let processors = platform.processorCount.map { $0 == 1 ? "1 processor" : "\($0) processors" }
        let parts = [
            processors, platform.processor.map { PrintableText.clean($0, limit: 60) },
            platform.kernel.map { PrintableText.clean($0, limit: 40) },
        ]
        let software = HeaderText.software(EndReport(software: report.software))
        let lines = [
            "\(software)   self-test of this host", parts.compactMap(\.self).joined(separator: ", "),
            "Uploads of \(report.duration.secondsWithoutZeros) over the loopback. Both ends share this machine: on a path, "
                + "doubt a figure that comes near these.",
        ]
        return lines.filter { !$0.isEmpty }.map(Paragraph.wrap).joined() + "\n"
    }

    package static var heading: String { table.heading + "\n" }

    package static func row(_ figure: LoopbackFigure) -> String {
        var notes: [String] = []
        if figure.failure != nil {
            notes.append("failed")
        } else {
            notes += [figure.congestionController.map { PrintableText.clean($0, limit: 20) }].compactMap(\.self)
            if let cipher = figure.cipher {
                let library = figure.aead.map { " by \($0)" } ?? ""
                notes.append(PrintableText.clean(cipher + library, limit: 50))
            }
            if let loss = figure.lossRatio { notes.append("\(Figure.share(loss)) lost, sending as fast as it goes") }
        }
        return table.row([
            figure.transport.displayName, Figure.rate(figure.throughput), "", notes.joined(separator: ", "),
        ]) + "\n"
    }

    /// What the system says and grants, then what to know of it.
    package static func summary(_ report: SelfTestReport) -> String {
        let host = report.host
        var text = "\n"
        for (label, value) in [
            ("UDP buffers", host.buffers.map(buffers)), ("GSO and GRO", offloads(host.offloads)),
            ("TCP congestion", tcp(host.congestion)), ("QUIC congestion", list(host.congestion.quic)),
            ("clock", clock(host.clock)), ("encryption", encryption(host.encryption)),
        ] {
            let label = label + String(repeating: " ", count: 17 - label.count)
            text += Paragraph.wrap(label + (value ?? Figure.absent))
        }
        text += "\n"
        for finding in report.findings {
            text += Paragraph.wrap("\(finding.severity.rawValue): " + PrintableText.clean(finding.message, limit: 500))
        }
        if report.failure == nil, report.findings.isEmpty { text += "Nothing to remark.\n" }
        return text
    }

    private static func buffers(_ buffers: SelfTestHost.Buffers) -> String {
        let limits = [("rmem_max", buffers.receiveLimit), ("wmem_max", buffers.sendLimit)].compactMap { name, limit in
            limit.map { "\(name) \(Figure.size($0))" }
        }
        let granted =
            buffers.receive == buffers.send
            ? half(buffers.receive) : "\(half(buffers.receive)) in and \(half(buffers.send)) out"
        return "\(granted) of \(Figure.size(buffers.asked)) asked"
            + (limits.isEmpty ? "" : " (\(limits.joined(separator: ", ")))")
    }

    /// What holds payload: the kernel counts double, for its own overhead.
    private static func half(_ count: ByteCount) -> String { Figure.size(ByteCount(count.bytes / 2)) }

    private static func offloads(_ offloads: SelfTestHost.Offloads) -> String {
        func word(_ works: Bool?) -> String { works.map { $0 ? "works" : "doesn't work" } ?? "not known" }
        return "GSO \(word(offloads.segmentation)), GRO \(word(offloads.receive))"
    }

    private static func list(_ names: [String]) -> String? {
        names.isEmpty ? nil : names.map { PrintableText.clean($0, limit: 20) }.joined(separator: ", ")
    }

    private static func tcp(_ congestion: SelfTestHost.Congestion) -> String? {
        guard let available = list(congestion.available) else { return nil }
        var notes = [congestion.standard.map { "default \(PrintableText.clean($0, limit: 20))" }].compactMap(\.self)
        if Set(congestion.allowed) != Set(congestion.available), let allowed = list(congestion.allowed) {
            notes.append("for everybody: \(allowed)")
        }
        return available + (notes.isEmpty ? "" : " (\(notes.joined(separator: "; ")))")
    }

    private static func clock(_ clock: SelfTestHost.Clock) -> String? {
        let parts = [
            clock.source.map { PrintableText.clean($0, limit: 20) },
            clock.resolution.map { "resolution \($0.nanoseconds) ns" },
            clock.reading.map { "\($0.nanoseconds) ns a reading" },
            clock.isSynchronized.map { $0 ? "date synchronised" : "date not synchronised" },
        ].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    private static func encryption(_ encryption: SelfTestHost.Encryption) -> String? {
        guard let library = encryption.library else { return nil }
        let share = encryption.shareOfGnuTLS.map {
            library == "gnutls"
                ? " (libipsec-mb takes \(fixedPoint($0, decimals: 2)) of its time)"
                : " in \(fixedPoint($0, decimals: 2)) of GnuTLS's time"
        }
        let instructions = encryption.hasAESInstructions.map { $0 ? "" : ", no AES in hardware" }
        return "AES-GCM by \(library)" + (share ?? "") + (instructions ?? "")
    }
}
