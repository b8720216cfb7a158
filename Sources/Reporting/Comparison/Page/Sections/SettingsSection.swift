import QrateMeasurement

/// What both ends used, per transport: a table each, with what differed between rounds beside each other.
struct SettingsSection {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var section: PageSection? {
        let tables = report.parameters.transports.compactMap(table)
        guard !tables.isEmpty else { return nil }
        return PageSection(
            id: "settings", title: "Settings of both ends",
            content: [
                .element("p", ["class": "soft"], "What was in effect, not what was asked for."),
                .element("div", ["class": "grid"], tables),
            ])
    }

    private func table(_ transport: TransportKind) -> Markup? {
        let tests = report.rounds.compactMap { $0.test(transport) }.filter { $0.server != nil }
        guard !tests.isEmpty else { return nil }
        func line(_ label: String, _ value: String) -> [PageTable.Cell]? {
            value.isEmpty ? nil : [.init(text: label, isHeading: true), .init(text: value, columns: 2)]
        }
        let common = SettingsLabels.security.compactMap { label, value in
            line(label, Self.distinct(tests.compactMap(\.security).compactMap(value)))
        }
        let ends = SettingsLabels.end.compactMap { label, value -> [PageTable.Cell]? in
            let client = Self.distinct(tests.compactMap { value($0.client.settings) })
            let server = Self.distinct(tests.compactMap { $0.server.flatMap { value($0.settings) } })
            guard !client.isEmpty || !server.isEmpty else { return nil }
            return [
                .init(text: label, isHeading: true), .init(text: client.isEmpty ? Figure.absent : client),
                .init(text: server.isEmpty ? Figure.absent : server),
            ]
        }
        guard !(common + ends).isEmpty else { return nil }
        return PageTable(
            caption: transport.displayName,
            columns: ["", "client", "server"].map { .init(title: $0, isFigure: false) }, groups: [common + ends]
        ).markup
    }

    /// Each value once, in the order in which they came.
    private static func distinct(_ values: [String]) -> String {
        var known: Set<String> = []
        let distinct = values.filter { known.insert($0).inserted }
        return distinct.prefix(4).joined(separator: " / ") + (distinct.count > 4 ? " / …" : "")
    }
}

/// The settings in words. nil is what isn't known, or has no meaning on a transport.
enum SettingsLabels {
    static let end: [(label: String, value: @Sendable (EffectiveSettings) -> String?)] = [
        ("congestion control", { $0.congestionController.map { PrintableText.clean($0, limit: 20) } }),
        ("encryption by", { $0.aead.map { PrintableText.clean($0, limit: 20) } }),
        ("largest UDP payload", { bytes($0.maxUDPPayload) }),
        ("largest segment", { bytes($0.maxSegmentSize) }),
        ("write or datagram size", { bytes($0.payloadUnit) }),
        ("segmentation offload", { word($0.segmentationOffload) }),
        ("receive offload", { word($0.receiveOffload) }),
        ("send buffer", { bytes($0.sendBuffer) }),
        ("receive buffer", { bytes($0.receiveBuffer) }),
        ("flow-control window up to", { bytes($0.flowControlWindow) }),
        ("ECN", { word($0.explicitCongestionNotification) }),
        ("bursts of pacing", { bytes($0.pacingBurst) }),
        ("TOS byte", { $0.typeOfService.map { "\($0)" } }),
        ("TCP_NODELAY", { word($0.sendsWithoutDelay) }),
        ("zero copy", { word($0.usesZeroCopy) }),
        ("received payload not copied", { word($0.skipsReceiveCopy) }),
        ("Multipath TCP", { word($0.usesMultipath) }),
        ("threads", { $0.endpointThreads.map { "\($0)" } }),
    ]

    static let security: [(label: String, value: @Sendable (SecurityReport) -> String?)] = [
        ("protocol", { PrintableText.clean($0.protocolVersion, limit: 20) }),
        ("cipher", { PrintableText.clean($0.cipher, limit: 40) }),
        ("application protocol", { PrintableText.clean($0.applicationProtocol, limit: 40) }),
        ("certificate", { CertificateText($0).verdict }),
    ]

    private static func bytes(_ count: ByteCount?) -> String? { count.map { Figure.size($0) } }
    private static func word(_ isOn: Bool?) -> String? { isOn.map { $0 ? "on" : "off" } }
}
