import FoundationEssentials
import QrateKit

/// One line of `qrate serve --json`. What doesn't apply is absent.
struct ServerEventLine: Encodable {
    var event: String
    var port: UInt16?
    var fingerprint: String?
    var id: String?
    var peer: String?
    var direction: String?
    var streams: Int?
    var bytesReceived: UInt64?
    var throughput: UInt64?
    var message: String?

    enum CodingKeys: String, CodingKey {
        case event, port, fingerprint, id, peer, direction, streams, message
        case bytesReceived = "bytes_received"
        case throughput = "throughput_bps"
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
        direction = test.parameters.direction.rawValue
        streams = test.parameters.streams
        let received = outcome?.upload ?? outcome?.download
        bytesReceived = received?.bytesReceived.bytes
        throughput = received?.throughput?.bitsPerSecond
    }

    var encoded: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers only: nothing in here can fail to encode.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
