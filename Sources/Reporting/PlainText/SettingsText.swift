import QrateMeasurement

/// The settings in effect that decide about throughput, as short items. What isn't known is left out.
struct SettingsText {
    private let report: TestReport

    init(_ report: TestReport) { self.report = report }

    var items: [String] {
        var items = perDirection { sender, _ in sender.congestionController.map { PrintableText.clean($0, limit: 20) } }
        if let security = report.security { items.append(cipher(security)) }
        items += perDirection(payloadUnit)
        // It changes in the course of a test; who chose it wants to see what came of it.
        if report.parameters.settings.maxSegmentSize != nil {
            items += perDirection { sender, _ in sender.maxSegmentSize.map { "segments \($0.bytes) bytes" } }
        }
        // A search for the path MTU sends one datagram after the other.
        if !report.parameters.settings.probesPathMTU {
            let isBidirectional = report.parameters.direction == .bidirectional
            items += perDirection { sender, receiver in
                let (segmentation, coalescing) = (sender.segmentationOffload, receiver.receiveOffload)
                // With half of it unknown, as before the test, two directions would seem to differ.
                if isBidirectional, segmentation == nil || coalescing == nil { return nil }
                return Self.offloads(segmentation: segmentation, coalescing: coalescing)
            }
        }
        items += perDirection(window)
        items += perDirection { sender, _ in sender.pacingBurst.map { "paced in bursts of \(Figure.size($0))" } }
        items += perDirection { sender, _ in sender.typeOfService.map(Self.typeOfService) }
        items += perDirection { sender, _ in sender.sendsWithoutDelay == true ? "no delay (TCP_NODELAY)" : nil }
        items += perDirection { sender, _ in sender.usesZeroCopy == true ? "zero copy" : nil }
        items += perDirection { _, receiver in
            receiver.skipsReceiveCopy == true ? "received payload NOT COPIED (--skip-rx-copy)" : nil
        }
        items += perDirection { sender, _ in sender.usesMultipath == true ? "Multipath TCP" : nil }
        if report.parameters.payload == .zeros { items.append("payload of zeros") }
        return items
    }

    /// The cipher, and who does it at which end.
    private func cipher(_ security: SecurityReport) -> String {
        let name = PrintableText.clean(security.cipher, limit: 40)
        guard let here = security.aead.map({ PrintableText.clean($0, limit: 20) }) else { return name }
        guard let there = (report.server?.settings.aead).map({ PrintableText.clean($0, limit: 20) }) else {
            return "\(name) by \(here) here"
        }
        return here == there ? "\(name) by \(here)" : "\(name) by \(here) here, \(there) there"
    }

    /// What the payload is cut into: writes on a stream, or datagrams.
    private func payloadUnit(_ sender: EffectiveSettings, _: EffectiveSettings) -> String? {
        let datagrams = sender.maxUDPPayload.map { "datagrams \($0.bytes) bytes" }
        guard let unit = sender.payloadUnit else { return datagrams }
        switch report.parameters.transport {
        case .tcp, .tls: return "writes of \(Figure.size(unit))"
        case .udp: return "datagrams \(unit.bytes) bytes"
        case .quic where report.parameters.settings.usesDatagrams:
            return [datagrams, "payload in QUIC datagrams of \(unit.bytes) bytes"].compactMap(\.self)
                .joined(separator: ", ")
        case .quic: return datagrams
        }
    }

    /// The buffers or windows, where somebody chose them.
    private func window(_ sender: EffectiveSettings, _ receiver: EffectiveSettings) -> String? {
        guard report.parameters.settings.window != nil else { return nil }
        if let window = receiver.flowControlWindow { return "flow-control window up to \(Figure.size(window))" }
        let buffers = [
            sender.sendBuffer.map { "send buffer \(Figure.size($0))" },
            receiver.receiveBuffer.map { "receive buffer \(Figure.size($0))" },
        ].compactMap(\.self)
        return buffers.isEmpty ? nil : buffers.joined(separator: ", ")
    }

    /// The byte, and the code point in it (RFC 2474).
    private static func typeOfService(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return "TOS 0x\(digits.count == 1 ? "0" : "")\(digits) (DSCP \(byte >> 2))"
    }

    /// What `item` says of each direction's sender and receiver; said once where both directions agree.
    private func perDirection(
        _ item: (_ sender: EffectiveSettings, _ receiver: EffectiveSettings) -> String?
    ) -> [String] {
        let client = report.client.settings
        let server = report.server?.settings ?? EffectiveSettings()
        let upload = item(client, server)
        let download = item(server, client)
        switch report.parameters.direction {
        case .upload: return [upload].compactMap(\.self)
        case .download: return [download].compactMap(\.self)
        case .bidirectional where upload == download: return [upload].compactMap(\.self)
        case .bidirectional:
            return [upload.map { $0 + " (upload)" }, download.map { $0 + " (download)" }].compactMap(\.self)
        }
    }

    private static func offloads(segmentation: Bool?, coalescing: Bool?) -> String? {
        func word(_ isOn: Bool) -> String { isOn ? "on" : "off" }
        return switch (segmentation, coalescing) {
        case (let segmentation?, let coalescing?) where segmentation == coalescing: "GSO and GRO \(word(segmentation))"
        case (let segmentation?, let coalescing?): "GSO \(word(segmentation)), GRO \(word(coalescing))"
        case (let segmentation?, nil): "GSO \(word(segmentation))"
        case (nil, let coalescing?): "GRO \(word(coalescing))"
        case (nil, nil): nil
        }
    }
}
