import FoundationEssentials

/// A qlog as a program reads it that goes by the drafts: JSON-SEQ (RFC 7464) of draft-ietf-quic-qlog-main-schema, with the
/// events of draft-ietf-quic-qlog-quic-events, "0.3".
package struct QlogReader {
    package let header: Header
    package let events: [Event]

    package struct Header: Decodable {
        package var qlogVersion: String
        package var qlogFormat: String
        package var title: String?
        package var trace: Trace
    }

    package struct Trace: Decodable {
        package var vantagePoint: VantagePoint
        package var commonFields: CommonFields
    }

    package struct VantagePoint: Decodable {
        package var name: String?
        package var type: String
    }

    package struct CommonFields: Decodable {
        package var timeFormat: String
        package var referenceTime: Double
        package var groupId: String?
        package var ODCID: String?
        package var protocolType: [String]?
    }

    package struct Event: Decodable {
        /// Milliseconds since the reference time.
        package var time: Double
        package var name: String
        package var data: Content

        package struct Content: Decodable {
            package var header: PacketHeader?
            package var frames: [Frame]?
            package var raw: Raw?
            // transport:parameters_set
            package var owner: String?
            // recovery:metrics_updated
            package var congestionWindow: UInt64?
            package var bytesInFlight: UInt64?
            package var smoothedRtt: Double?
        }
    }

    package struct PacketHeader: Decodable {
        package var packetType: String
        package var packetNumber: UInt64?
    }
    package struct Frame: Decodable { package var frameType: String }
    package struct Raw: Decodable { package var length: Int }

    /// What isn't as the drafts have it.
    package struct Violation: Error, CustomStringConvertible { package let description: String }

    private static let recordSeparator = UInt8(0x1e)
    private static let packetTypes: Set<String> = [
        "initial", "handshake", "0RTT", "1RTT", "retry", "version_negotiation", "stateless_reset", "unknown",
    ]
    private static let frameTypes: Set<String> = [
        "padding", "ping", "ack", "reset_stream", "stop_sending", "crypto", "new_token", "stream", "max_data",
        "max_stream_data", "max_streams", "data_blocked", "stream_data_blocked", "streams_blocked",
        "new_connection_id", "retire_connection_id", "path_challenge", "path_response", "connection_close",
        "handshake_done", "datagram",
    ]

    /// - Throws: ``Violation``, or what the JSON decoder says of a field that is missing or of another type.
    package init(_ bytes: some Collection<UInt8>) throws {
        guard bytes.first == Self.recordSeparator, bytes.suffix(1).first == UInt8(ascii: "\n") else {
            throw Violation(description: "records begin with RS and end with LF")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let records = bytes.split(separator: Self.recordSeparator).map { Data($0) }
        guard let first = records.first else { throw Violation(description: "there is no header") }
        header = try decoder.decode(Header.self, from: first)
        events = try records.dropFirst().map { try decoder.decode(Event.self, from: $0) }
        try checkHeader()
        for event in events { try Self.check(event) }
        for (event, next) in zip(events, events.dropFirst()) where next.time < event.time {
            throw Violation(description: "time goes back from \(event.time) to \(next.time)")
        }
    }

    private func checkHeader() throws {
        guard header.qlogVersion == "0.3", header.qlogFormat == "JSON-SEQ" else {
            throw Violation(description: "\(header.qlogVersion), \(header.qlogFormat)")
        }
        guard ["client", "server"].contains(header.trace.vantagePoint.type),
            header.trace.commonFields.timeFormat == "relative"
        else { throw Violation(description: "\(header)") }
    }

    private static func check(_ event: Event) throws {
        let data = event.data
        func demand(_ isThere: Bool, _ what: String) throws {
            if !isThere { throw Violation(description: "\(event.name): \(what)") }
        }
        switch event.name {
        case "transport:packet_sent", "transport:packet_received", "recovery:packet_lost":
            guard let header = data.header else { throw Violation(description: "\(event.name) without a header") }
            try demand(packetTypes.contains(header.packetType), header.packetType)
            for frame in data.frames ?? [] { try demand(frameTypes.contains(frame.frameType), frame.frameType) }
            try demand(data.raw.map { $0.length > 0 } ?? true, "raw")
        case "recovery:metrics_updated":
            try demand(data.congestionWindow != nil && data.bytesInFlight != nil, "congestion_window, bytes_in_flight")
        case "transport:parameters_set": try demand(["local", "remote"].contains(data.owner), "owner")
        default: throw Violation(description: "an event that the drafts don't have: \(event.name)")
        }
    }

    package func events(_ name: String) -> [Event] { events.filter { $0.name == name } }

    /// The numbers of 1-RTT packets that were sent, received or lost.
    package func packets(_ name: String) -> [UInt64] {
        events(name).compactMap { $0.data.header?.packetType == "1RTT" ? $0.data.header?.packetNumber : nil }
    }
}
