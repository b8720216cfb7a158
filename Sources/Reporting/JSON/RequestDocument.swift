import QrateMeasurement

/// The transport's settings that were asked for. What was left to the default has no key.
struct RequestDocument: Encodable {
    var payloadUnit: UInt64?
    var window: UInt64?
    var congestionController: String?
    var typeOfService: UInt8?
    var maxSegmentSize: Int?
    var sendsWithoutDelay: Bool?
    var usesZeroCopy: Bool?
    var skipsReceiveCopy: Bool?
    var usesMultipath: Bool?
    var maxDatagram: Int?
    var maxDatagramIsInterface: Bool?
    var usesDatagrams: Bool?
    var cipher: String?
    var probesPathMTU: Bool?

    enum CodingKeys: String, CodingKey {
        case cipher
        case payloadUnit = "payload_unit_bytes"
        case window = "window_bytes"
        case congestionController = "congestion"
        case typeOfService = "tos"
        case maxSegmentSize = "max_segment_bytes"
        case sendsWithoutDelay = "tcp_nodelay"
        case usesZeroCopy = "zerocopy"
        case skipsReceiveCopy = "skip_receive_copy"
        case usesMultipath = "mptcp"
        case maxDatagram = "max_datagram_bytes"
        case maxDatagramIsInterface = "max_datagram_interface"
        case usesDatagrams = "datagrams"
        case probesPathMTU = "probe_mtu"
    }

    /// nil when nothing was asked for: there is no object then. The number of connections stands beside it.
    init?(_ settings: TransportSettings) {
        var others = settings
        others.connections = TransportSettings().connections
        guard others != TransportSettings() else { return nil }
        payloadUnit = settings.payloadUnit?.bytes
        window = settings.window?.bytes
        congestionController = settings.congestionController.map(PrintableText.clean)
        typeOfService = settings.typeOfService
        maxSegmentSize = settings.maxSegmentSize
        sendsWithoutDelay = settings.sendsWithoutDelay ? true : nil
        usesZeroCopy = settings.usesZeroCopy ? true : nil
        skipsReceiveCopy = settings.skipsReceiveCopy ? true : nil
        usesMultipath = settings.usesMultipath ? true : nil
        switch settings.maxDatagram {
        case .bytes(let bytes): maxDatagram = bytes
        case .interface: maxDatagramIsInterface = true
        case nil: break
        }
        usesDatagrams = settings.usesDatagrams ? true : nil
        cipher = settings.cipher?.rawValue
        probesPathMTU = settings.probesPathMTU ? true : nil
    }
}
