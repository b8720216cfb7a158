import QrateMeasurement

/// The settings in effect that decide about throughput, as short items. What isn't known is left out.
struct SettingsText {
    private let report: TestReport

    init(_ report: TestReport) { self.report = report }

    var items: [String] {
        var items = perDirection { sender, _ in sender.congestionController.map { PrintableText.clean($0, limit: 20) } }
        if let cipher = report.security?.cipher { items.append(PrintableText.clean(cipher, limit: 40)) }
        items += perDirection { sender, _ in sender.maxUDPPayload.map { "datagrams \($0.bytes) bytes" } }
        items += perDirection { sender, receiver in
            Self.offloads(segmentation: sender.segmentationOffload, coalescing: receiver.receiveOffload)
        }
        return items
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
