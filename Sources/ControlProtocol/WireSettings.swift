/// ``QrateMeasurement/EffectiveSettings`` on the wire.
package struct WireSettings: Sendable, Equatable, Codable {
    package var congestionController: String?
    package var maxUDPPayload: UInt64?
    package var segmentationOffload: Bool?
    package var receiveOffload: Bool?
    package var sendBuffer: UInt64?
    package var receiveBuffer: UInt64?
    package var socketBufferAsked: UInt64?
    /// By the raw values of `OffloadFallback`; those that aren't known are ignored.
    package var offloadFallbacks: [String]?
    package var ecn: Bool?
    package var payloadUnit: UInt64?
    package var pacingBurst: UInt64?
    package var typeOfService: UInt8?
    package var maxSegmentSize: UInt64?
    package var sendsWithoutDelay: Bool?
    package var usesZeroCopy: Bool?
    package var skipsReceiveCopy: Bool?
    package var usesMultipath: Bool?
    package var flowControlWindow: UInt64?
    package var aead: String?
    package var endpointThreads: UInt32?
    package var recording: WireRecording?

    enum CodingKeys: String, CodingKey {
        case congestionController = "congestion"
        case maxUDPPayload = "max_udp_payload_bytes"
        case segmentationOffload = "segmentation_offload"
        case receiveOffload = "receive_offload"
        case sendBuffer = "send_buffer_bytes"
        case receiveBuffer = "receive_buffer_bytes"
        case socketBufferAsked = "socket_buffer_asked_bytes"
        case offloadFallbacks = "offload_fallbacks"
        case ecn, aead
        case payloadUnit = "payload_unit_bytes"
        case pacingBurst = "pacing_burst_bytes"
        case typeOfService = "tos"
        case maxSegmentSize = "max_segment_bytes"
        case sendsWithoutDelay = "tcp_nodelay"
        case usesZeroCopy = "zerocopy"
        case skipsReceiveCopy = "skip_receive_copy"
        case usesMultipath = "mptcp"
        case flowControlWindow = "flow_control_window_bytes"
        case endpointThreads = "endpoint_threads"
        case recording
    }

    package init() {}
}
