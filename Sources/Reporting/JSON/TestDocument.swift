import QrateMeasurement

/// What was asked for, and what each end really used.
struct TestDocument: Encodable {
    var transport: String
    var direction: String
    var streams: Int
    var connections: Int
    var durationMilliseconds: Double?
    var byteBudget: UInt64?
    var isEndless: Bool?
    var isLoopback: Bool?
    var targetBitrate: UInt64?
    var payload: String
    var warmUpMilliseconds: Double
    var intervalMilliseconds: Double
    var measuresLatency: Bool?
    var requested: RequestDocument?
    var settings: EndSettings

    /// The effective settings of both ends.
    struct EndSettings: Encodable {
        var client: SettingsDocument?
        var server: SettingsDocument?
    }

    enum CodingKeys: String, CodingKey {
        case transport, direction, streams, connections, payload, requested, settings
        case isLoopback = "loopback"
        case durationMilliseconds = "duration_ms"
        case byteBudget = "byte_budget_bytes"
        case isEndless = "endless"
        case targetBitrate = "target_bitrate_bps"
        case warmUpMilliseconds = "warm_up_ms"
        case intervalMilliseconds = "interval_ms"
        case measuresLatency = "latency"
    }

    init(_ report: TestReport) {
        let parameters = report.parameters
        transport = parameters.transport.rawValue
        direction = parameters.direction.rawValue
        streams = parameters.streams
        connections = parameters.settings.connections
        durationMilliseconds = parameters.limit.duration?.jsonMilliseconds
        byteBudget = parameters.limit.byteBudget?.bytes
        isLoopback = report.isLoopback
        isEndless = parameters.limit.isEndless ? true : nil
        // 0 is how "unlimited" is asked for: there is no target then. A search for the path MTU has no rate.
        targetBitrate =
            parameters.settings.probesPathMTU
            ? nil : parameters.targetBitrate.flatMap { $0.bitsPerSecond == 0 ? nil : $0.bitsPerSecond }
        payload = parameters.payload.rawValue
        requested = RequestDocument(parameters.settings)
        warmUpMilliseconds = parameters.warmUp.jsonMilliseconds
        intervalMilliseconds = parameters.interval.jsonMilliseconds
        measuresLatency = parameters.measuresLatency ? true : nil
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
    var socketBufferAsked: UInt64?
    var offloadFallbacks: [String]?
    var explicitCongestionNotification: Bool?
    var payloadUnit: UInt64?
    var pacingBurst: UInt64?
    var typeOfService: UInt8?
    var maxSegmentSize: UInt64?
    var sendsWithoutDelay: Bool?
    var usesZeroCopy: Bool?
    var skipsReceiveCopy: Bool?
    var usesMultipath: Bool?
    var flowControlWindow: UInt64?
    var aead: String?
    var endpointThreads: Int?
    var recording: RecordingDocument?

    enum CodingKeys: String, CodingKey {
        case congestionController = "congestion"
        case maxUDPPayload = "max_udp_payload_bytes"
        case segmentationOffload = "segmentation_offload"
        case receiveOffload = "receive_offload"
        case sendBuffer = "send_buffer_bytes"
        case receiveBuffer = "receive_buffer_bytes"
        case socketBufferAsked = "socket_buffer_asked_bytes"
        case offloadFallbacks = "offload_fallbacks"
        case explicitCongestionNotification = "ecn"
        case payloadUnit = "payload_unit_bytes"
        case pacingBurst = "pacing_burst_bytes"
        case typeOfService = "tos"
        case maxSegmentSize = "max_segment_bytes"
        case sendsWithoutDelay = "tcp_nodelay"
        case usesZeroCopy = "zerocopy"
        case skipsReceiveCopy = "skip_receive_copy"
        case usesMultipath = "mptcp"
        case flowControlWindow = "flow_control_window_bytes"
        case aead, recording
        case endpointThreads = "endpoint_threads"
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
        socketBufferAsked = settings.socketBufferAsked?.bytes
        offloadFallbacks = settings.offloadFallbacks?.map(\.rawValue)
        explicitCongestionNotification = settings.explicitCongestionNotification
        payloadUnit = settings.payloadUnit?.bytes
        pacingBurst = settings.pacingBurst?.bytes
        typeOfService = settings.typeOfService
        maxSegmentSize = settings.maxSegmentSize?.bytes
        sendsWithoutDelay = settings.sendsWithoutDelay
        usesZeroCopy = settings.usesZeroCopy
        skipsReceiveCopy = settings.skipsReceiveCopy
        usesMultipath = settings.usesMultipath
        flowControlWindow = settings.flowControlWindow?.bytes
        aead = settings.aead.map(PrintableText.clean)
        endpointThreads = settings.endpointThreads
        recording = settings.recording.map(RecordingDocument.init)
    }
}
