import FoundationEssentials
import QrateKit

/// One line of `qrate serve --json`. What doesn't apply is absent.
struct ServerEventLine: Encodable {
    var event: String
    var port: UInt16?
    var fingerprint: String?
    var id: String?
    var peer: String?
    var transport: String?
    var direction: String?
    var streams: Int?
    var upload: Received?
    var download: Received?
    var message: String?

    /// What the receiver of one direction counted in the measured window.
    struct Received: Encodable {
        var bytesReceived: UInt64
        var throughput: UInt64?
        /// Of UDP and QUIC datagrams.
        var datagramsReceived: UInt64?
        var datagramsLost: Int64?

        enum CodingKeys: String, CodingKey {
            case bytesReceived = "bytes_received"
            case throughput = "throughput_bps"
            case datagramsReceived = "datagrams_received"
            case datagramsLost = "datagrams_lost"
        }

        init(_ summary: DirectionSummary) {
            bytesReceived = summary.bytesReceived.bytes
            throughput = summary.throughput?.bitsPerSecond
            datagramsReceived = summary.datagrams?.received
            datagramsLost = summary.datagrams?.lost
        }
    }

    init(event: String, port: UInt16? = nil, fingerprint: String? = nil, peer: String? = nil, message: String? = nil) {
        self.event = event
        self.port = port
        self.fingerprint = fingerprint
        self.peer = peer
        self.message = message
    }

    init(_ event: String, _ test: TestServer.Test, _ outcome: TestServer.Outcome? = nil) {
        self.init(event: event, peer: test.peer, message: outcome?.failure?.message)
        id = test.id
        transport = test.parameters.transport.rawValue
        direction = test.parameters.direction.rawValue
        streams = test.parameters.streams
        upload = outcome?.upload.map(Received.init)
        download = outcome?.download.map(Received.init)
    }

    var encoded: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers only: nothing in here can fail to encode.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
