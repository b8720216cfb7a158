/// The client asks for a test.
package struct TestStart: Sendable, Equatable, Codable {
    package var id: String
    package var transport: WireProtocol
    package var streams: UInt8
    /// Whole seconds, 0 for no limit. `qrate.duration_ms` has the exact value.
    package var durationSeconds: UInt32
    package var direction: WireDirection
    /// Bits per second of the sending ends, all streams together. Absent is the default (UDP: 1 Gbit/s, else as fast as it
    /// goes), 0 is as fast as it goes.
    package var bitrate: UInt64?
    package var congestion: String?
    package var usesMultipath: Bool?
    /// The TOS byte, whatever the field's name says.
    package var dscp: UInt8?
    package var windowSize: UInt64?
    package var usesZeroCopy: Bool?
    package var probesPathMTU: Bool?
    package var sendsWithoutDelay: Bool?
    package var byteBudget: UInt64?
    package var qrate: Extension?

    enum CodingKeys: String, CodingKey {
        case id
        case transport = "protocol"
        case streams
        case durationSeconds = "duration_secs"
        case direction, bitrate, congestion
        case usesMultipath = "mptcp"
        case dscp
        case windowSize = "window_size"
        case usesZeroCopy = "zerocopy"
        case probesPathMTU = "mtu_probe"
        case sendsWithoutDelay = "tcp_nodelay"
        case byteBudget = "byte_budget"
        case qrate
    }

    /// What qrate peers add. Absent is the default.
    package struct Extension: Sendable, Equatable, Codable {
        package var durationMilliseconds: Double?
        package var warmUpMilliseconds: Double?
        package var intervalMilliseconds: Double?
        /// A ``QrateMeasurement/PayloadContent`` by its raw value.
        package var payload: String?
        package var payloadUnit: UInt64?
        package var maxSegmentSize: UInt32?
        package var skipsReceiveCopy: Bool?
        package var maxDatagram: UInt32?
        /// Instead of a number: what the interface towards the peer takes.
        package var maxDatagramIsInterface: Bool?
        package var connections: UInt8?
        package var usesDatagrams: Bool?
        /// Latency probes come, before the test and during it.
        package var measuresLatency: Bool?

        enum CodingKeys: String, CodingKey {
            case durationMilliseconds = "duration_ms"
            case warmUpMilliseconds = "warm_up_ms"
            case intervalMilliseconds = "interval_ms"
            case payload
            case payloadUnit = "payload_unit_bytes"
            case maxSegmentSize = "max_segment_bytes"
            case skipsReceiveCopy = "skip_receive_copy"
            case maxDatagram = "max_datagram_bytes"
            case maxDatagramIsInterface = "max_datagram_interface"
            case connections
            case usesDatagrams = "datagrams"
            case measuresLatency = "latency"
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
