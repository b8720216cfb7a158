import QrateMeasurement

/// What a host says of itself and grants.
struct SelfTestHostDocument: Encodable {
    var platform: PlatformDocument
    var buffers: Buffers?
    var offloads: Offloads
    var congestion: Congestion
    var clock: Clock
    var encryption: Encryption

    init(_ host: SelfTestHost) {
        platform = PlatformDocument(host.platform)
        buffers = host.buffers.map(Buffers.init)
        offloads = Offloads(segmentation: host.offloads.segmentation, receive: host.offloads.receive)
        congestion = Congestion(host.congestion)
        clock = Clock(host.clock)
        encryption = Encryption(host.encryption)
    }

    struct Buffers: Encodable {
        var asked: UInt64
        var receive: UInt64
        var send: UInt64
        var receiveLimit: UInt64?
        var sendLimit: UInt64?

        enum CodingKeys: String, CodingKey {
            case asked = "asked_bytes"
            case receive = "receive_bytes"
            case send = "send_bytes"
            case receiveLimit = "receive_limit_bytes"
            case sendLimit = "send_limit_bytes"
        }

        init(_ buffers: SelfTestHost.Buffers) {
            asked = buffers.asked.bytes
            receive = buffers.receive.bytes
            send = buffers.send.bytes
            receiveLimit = buffers.receiveLimit?.bytes
            sendLimit = buffers.sendLimit?.bytes
        }
    }

    struct Offloads: Encodable {
        var segmentation: Bool?
        var receive: Bool?
    }

    struct Congestion: Encodable {
        var available: [String]
        var allowed: [String]
        var standard: String?
        var quic: [String]

        enum CodingKeys: String, CodingKey {
            case quic
            case available = "tcp_available"
            case allowed = "tcp_allowed"
            case standard = "tcp_default"
        }

        init(_ congestion: SelfTestHost.Congestion) {
            available = congestion.available.map(PrintableText.clean)
            allowed = congestion.allowed.map(PrintableText.clean)
            standard = congestion.standard.map(PrintableText.clean)
            quic = congestion.quic
        }
    }

    struct Clock: Encodable {
        var resolution: UInt64?
        var reading: UInt64?
        var source: String?
        var isSynchronized: Bool?

        enum CodingKeys: String, CodingKey {
            case source
            case resolution = "resolution_ns"
            case reading = "reading_ns"
            case isSynchronized = "date_synchronized"
        }

        init(_ clock: SelfTestHost.Clock) {
            resolution = clock.resolution?.nanoseconds
            reading = clock.reading?.nanoseconds
            source = clock.source.map(PrintableText.clean)
            isSynchronized = clock.isSynchronized
        }
    }

    struct Encryption: Encodable {
        var hasAESInstructions: Bool?
        var library: String?
        var shareOfGnuTLS: Double?

        enum CodingKeys: String, CodingKey {
            case library
            case hasAESInstructions = "aes_instructions"
            case shareOfGnuTLS = "share_of_gnutls_time"
        }

        init(_ encryption: SelfTestHost.Encryption) {
            hasAESInstructions = encryption.hasAESInstructions
            library = encryption.library
            // Four decimals: more than one trial knows.
            shareOfGnuTLS = encryption.shareOfGnuTLS.map { ($0 * 1e4).rounded() / 1e4 }
        }
    }
}
