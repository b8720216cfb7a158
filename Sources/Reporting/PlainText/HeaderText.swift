import QrateMeasurement

/// The lines above the table: which test, under which settings, against whom.
struct HeaderText {
    private let report: TestReport

    init(_ report: TestReport) { self.report = report }

    var lines: [String] {
        var lines = [title, ([plan] + SettingsText(report).items).joined(separator: ", ")]
        if let server = report.server {
            let certificate = report.security.map { CertificateText($0) }
            lines.append(
                ["server \(Self.software(server))", certificate?.verdict].compactMap(\.self).joined(separator: ", "))
            if let line = certificate?.fingerprintLine { lines.append(line) }
        }
        return lines
    }

    /// `qrate 0.1.0   QUIC upload to paris.example.net (192.0.2.7:5201)`.
    private var title: String {
        let (test, preposition) =
            switch report.parameters.direction {
            case _ where report.parameters.settings.probesPathMTU: ("path MTU probe", "to")
            case .upload: ("upload", "to")
            case .download: ("download", "from")
            case .bidirectional: ("bidirectional test", "with")
            }
        let title = "\(Self.software(report.client))   \(report.parameters.transport.displayName) \(test)"
        guard let server = report.server.flatMap(Self.name) else { return title }
        return "\(title) \(preposition) \(server)"
    }

    /// What was asked: `4 streams in 2 connections, 10 s after 2 s of warm-up, at 100 Mbit/s each way`.
    private var plan: String {
        let parameters = report.parameters
        let limit =
            switch (parameters.limit.duration, parameters.limit.byteBudget) {
            case (let duration?, let budget?): "\(duration.secondsWithoutZeros) or \(Figure.bytes(budget))"
            case (let duration?, nil): duration.secondsWithoutZeros
            case (nil, let budget?): Figure.bytes(budget)
            case (nil, nil): "until stopped"
            }
        guard !parameters.settings.probesPathMTU else { return limit + " at most" }
        let warmUp = parameters.warmUp > .zero ? " after \(parameters.warmUp.secondsWithoutZeros) of warm-up" : ""
        return [streams, limit + warmUp, target].compactMap(\.self).joined(separator: ", ")
    }

    private var streams: String {
        let (streams, connections) = (report.parameters.streams, report.parameters.settings.connections)
        let count = streams == 1 ? "1 stream" : "\(streams) streams"
        return connections == 1 ? count : "\(count) in \(connections) connections"
    }

    /// The rate that was asked for; nil for none.
    private var target: String? {
        guard let target = report.parameters.targetBitrate, target.bitsPerSecond > 0 else { return nil }
        return "at \(target)" + (report.parameters.direction == .bidirectional ? " each way" : "")
    }

    static func software(_ end: EndReport) -> String {
        let parts = PrintableText.clean(end.software, limit: 40).split(separator: "/", maxSplits: 1)
        return parts.joined(separator: " ")
    }

    /// Host and address; the address alone where the user wrote it as the host.
    static func name(_ end: EndReport) -> String? {
        let host = end.host.map { PrintableText.clean($0, limit: 255) }
        let address = end.address.map { PrintableText.clean($0, limit: 80) }
        guard let host, let address else { return address ?? host }
        let isSame = address.hasPrefix(host + ":") || address.hasPrefix("[\(host)]:")
        return isSame ? address : "\(host) (\(address))"
    }
}
