import QrateMeasurement

extension SavedSeries {
    /// What one transport carried in `direction`, by all of its tests.
    init(_ transport: TransportKind, _ direction: Direction, _ tests: [SavedResultDocument]) {
        let finished = tests.filter { $0.error == nil }
        self.init(
            transport, direction,
            throughput: finished.compactMap {
                (direction == .upload ? $0.summary?.upload : $0.summary?.download)?.throughput
            }.map { Bitrate(bitsPerSecond: $0) })
        // One that failed may not know everything.
        if let test = finished.first ?? tests.first { conditions = test.conditions(direction) }
    }
}

extension SavedResultDocument {
    /// What makes it this test and no other, then what else may have to do with its figure.
    fileprivate func conditions(_ direction: Direction) -> [SavedCondition] {
        guard let test else { return [] }
        var found: [SavedCondition] = []
        func add(_ field: String, _ value: SavedCondition.Value?, _ weight: SavedCondition.Weight) {
            if let value { found.append(SavedCondition(field, value, weight)) }
        }
        for (key, scalar) in test.plan { add("test.\(key)", scalar.value, .asked) }
        for (key, scalar) in (test.requested ?? [:]).sorted(by: { $0.key < $1.key }) {
            add("test.requested.\(PrintableText.clean(key, limit: 40))", scalar.value, .asked)
        }
        add("security.cipher", security?.cipher.map { .text(PrintableText.clean($0, limit: 40)) }, .decisive)
        let sender = direction == .upload ? "client" : "server"
        for (end, settings) in [("client", test.settings?.client), ("server", test.settings?.server)] {
            let place = "test.settings.\(end)."
            if end == sender {
                add(place + "congestion", settings?["congestion"]?.value, .decisive)
                add(place + Self.packetSize(test.transport), packetSize(settings, test.transport), .decisive)
            }
            for key in Self.notedSettings(test.transport) { add(place + key, settings?[key]?.value, .noted) }
        }
        for (name, end) in [("client", client), ("server", server)] {
            add("\(name).software", (end?.software).map { .text(PrintableText.clean($0, limit: 40)) }, .noted)
            for key in Self.notedFacts { add("\(name).platform.\(key)", end?.platform?[key]?.value, .noted) }
        }
        add("server.host", (server?.host).map { .text(PrintableText.clean($0, limit: 80)) }, .noted)
        return found
    }

    /// What tells how many packets a byte takes.
    private static func packetSize(_ transport: TransportKind) -> String {
        switch transport {
        case .quic: "max_udp_payload_bytes"
        case .tls, .tcp: "max_segment_bytes"
        case .udp: "payload_unit_bytes"
        }
    }

    private func packetSize(_ settings: [String: SavedScalar]?, _ transport: TransportKind) -> SavedCondition.Value? {
        guard case .number(let bytes) = settings?[Self.packetSize(transport)] else { return nil }
        return .packetSize(bytes)
    }

    /// Of the program and the machine at an end.
    private static let notedFacts = ["build", "ngtcp2", "gnutls", "kernel", "processor", "processors"]

    /// In effect without having been asked for: a lost offload or another library shows up as a slower test, and is the
    /// reason. The kernel's own buffers of TCP are left out, which it sizes as it goes.
    private static func notedSettings(_ transport: TransportKind) -> [String] {
        let own = ["aead", "segmentation_offload", "receive_offload", "ecn", "endpoint_threads"]
        switch transport {
        case .quic, .udp: return own + ["send_buffer_bytes", "receive_buffer_bytes"]
        case .tls, .tcp: return own
        }
    }
}
