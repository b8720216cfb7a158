/// The client asks for a test.
package struct TestStart: Sendable, Equatable, Codable {
    package var id: String
    package var transport: WireProtocol
    package var streams: UInt8
    /// Whole seconds, 0 for no limit. `qrate.duration_ms` has the exact value.
    package var durationSeconds: UInt32
    package var direction: WireDirection
    package var bitrate: UInt64?
    package var congestion: String?
    package var byteBudget: UInt64?
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id, streams, direction, bitrate, congestion, qrate
        case transport = "protocol"
        case durationSeconds = "duration_secs"
        case byteBudget = "byte_budget"
    }

    /// What qrate peers add.
    package struct Extension: Sendable, Equatable, Codable {
        package var durationMilliseconds: Double?
        package var warmUpMilliseconds: Double?
        package var intervalMilliseconds: Double?

        enum CodingKeys: String, CodingKey {
            case durationMilliseconds = "duration_ms"
            case warmUpMilliseconds = "warm_up_ms"
            case intervalMilliseconds = "interval_ms"
        }

        package init(durationMilliseconds: Double?, warmUpMilliseconds: Double?, intervalMilliseconds: Double?) {
            self.durationMilliseconds = durationMilliseconds
            self.warmUpMilliseconds = warmUpMilliseconds
            self.intervalMilliseconds = intervalMilliseconds
        }
    }

    package init(
        id: String, transport: WireProtocol, streams: UInt8, durationSeconds: UInt32, direction: WireDirection,
        byteBudget: UInt64? = nil, qrate: Extension? = nil
    ) {
        self.id = id
        self.transport = transport
        self.streams = streams
        self.durationSeconds = durationSeconds
        self.direction = direction
        self.byteBudget = byteBudget
        self.qrate = qrate
    }
}

/// `protocol` on the wire.
package enum WireProtocol: String, Sendable, Codable { case tcp, udp, quic }

/// `direction` on the wire, seen from the client.
package enum WireDirection: String, Sendable, Codable { case upload, download, bidir }

/// The server takes the test.
package struct TestAck: Sendable, Equatable, Codable {
    package var id: String
    package var dataPorts: [UInt16]
    package var udpToken: String?
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id, qrate
        case dataPorts = "data_ports"
        case udpToken = "udp_token"
    }

    /// What qrate servers add.
    package struct Extension: Sendable, Equatable, Codable {
        package var settings: WireSettings?

        package init(settings: WireSettings?) { self.settings = settings }
    }

    package init(id: String, dataPorts: [UInt16], udpToken: String? = nil, qrate: Extension? = nil) {
        self.id = id
        self.dataPorts = dataPorts
        self.udpToken = udpToken
        self.qrate = qrate
    }
}

/// The first line of a TCP data connection.
package struct DataHello: Sendable, Equatable, Codable {
    package var testID: String
    package var streamIndex: UInt16

    enum CodingKeys: String, CodingKey {
        case testID = "test_id"
        case streamIndex = "stream_index"
    }

    package init(testID: String, streamIndex: UInt16) {
        self.testID = testID
        self.streamIndex = streamIndex
    }
}
