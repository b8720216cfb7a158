import QrateMeasurement

/// What was asked for, and what each end really used.
struct TestDocument: Encodable {
    var transport: String
    var direction: String
    var streams: Int
    var connections: Int
    var durationMilliseconds: Double?
    var byteBudget: UInt64?
    var warmUpMilliseconds: Double
    var intervalMilliseconds: Double
    var settings: EndSettings

    /// The effective settings of both ends.
    struct EndSettings: Encodable {
        var client: SettingsDocument?
        var server: SettingsDocument?
    }

    enum CodingKeys: String, CodingKey {
        case transport, direction, streams, connections, settings
        case durationMilliseconds = "duration_ms"
        case byteBudget = "byte_budget_bytes"
        case warmUpMilliseconds = "warm_up_ms"
        case intervalMilliseconds = "interval_ms"
    }

    init(_ report: TestReport) {
        let parameters = report.parameters
        transport = parameters.transport.rawValue
        direction = parameters.direction.rawValue
        streams = parameters.streams
        connections = parameters.settings.connections
        durationMilliseconds = parameters.limit.duration?.jsonMilliseconds
        byteBudget = parameters.limit.byteBudget?.bytes
        warmUpMilliseconds = parameters.warmUp.jsonMilliseconds
        intervalMilliseconds = parameters.interval.jsonMilliseconds
        settings = EndSettings(
            client: SettingsDocument(report.client.settings),
            server: (report.server?.settings).flatMap(SettingsDocument.init))
    }
}

/// What one end used. The keys are those of the control protocol.
struct SettingsDocument: Encodable {
    var congestionController: String?
    var maxUDPPayload: UInt64?
    var segmentationOffload: Bool?
    var receiveOffload: Bool?
    var sendBuffer: UInt64?
    var receiveBuffer: UInt64?
    var explicitCongestionNotification: Bool?

    enum CodingKeys: String, CodingKey {
        case congestionController = "congestion"
        case maxUDPPayload = "max_udp_payload_bytes"
        case segmentationOffload = "segmentation_offload"
        case receiveOffload = "receive_offload"
        case sendBuffer = "send_buffer_bytes"
        case receiveBuffer = "receive_buffer_bytes"
        case explicitCongestionNotification = "ecn"
    }

    /// Nil when nothing is known: there is no object then.
    init?(_ settings: EffectiveSettings) {
        guard settings != EffectiveSettings() else { return nil }
        congestionController = settings.congestionController.map(PrintableText.clean)
        maxUDPPayload = settings.maxUDPPayload?.bytes
        segmentationOffload = settings.segmentationOffload
        receiveOffload = settings.receiveOffload
        sendBuffer = settings.sendBuffer?.bytes
        receiveBuffer = settings.receiveBuffer?.bytes
        explicitCongestionNotification = settings.explicitCongestionNotification
    }
}
