internal import CQrateNgtcp2

/// What the first bytes of a datagram say about where it belongs (RFC 8999, RFC 9000 §17). Total on any input.
package enum DatagramHeader: Sendable, Hashable {
    /// A 1-RTT packet for one of the IDs that this program issued.
    case short(ConnectionID)
    /// A handshake packet of a version that we speak.
    case long(ConnectionID)
    /// A long header of an unknown version: to be answered with Version Negotiation, if the datagram is large enough.
    case unsupportedVersion(destination: ConnectionIDBytes, source: ConnectionIDBytes)
    /// Neither: too short, garbage, or the front door's other protocols (the fixed bit is not set).
    case notQUIC

    /// Versions to come may use longer IDs than version 1 (RFC 8999 §5.1).
    package typealias ConnectionIDBytes = [UInt8]

    package static func parse(_ datagram: UnsafeRawBufferPointer) -> DatagramHeader {
        guard let first = datagram.first, first & 0xc0 != 0 else { return .notQUIC }
        if first & 0x80 == 0 {
            guard datagram.count > ConnectionID.issuedLength else { return .notQUIC }
            let bytes = UnsafeRawBufferPointer(rebasing: datagram[1...ConnectionID.issuedLength])
            return ConnectionID(bytes).map { .short($0) } ?? .notQUIC
        }
        var header = ngtcp2_version_cid()
        let result = ngtcp2_pkt_decode_version_cid(
            &header, datagram.assumingMemoryBound(to: UInt8.self).baseAddress, datagram.count,
            ConnectionID.issuedLength)
        switch result {
        case 0:
            // Version 0 is a Version Negotiation packet: nothing a server is waiting for.
            guard header.version != 0 else { return .notQUIC }
            let bytes = UnsafeRawBufferPointer(start: header.dcid, count: header.dcidlen)
            return ConnectionID(bytes).map { .long($0) } ?? .notQUIC
        case NGTCP2_ERR_VERSION_NEGOTIATION:
            return .unsupportedVersion(
                destination: Array(UnsafeRawBufferPointer(start: header.dcid, count: header.dcidlen)),
                source: Array(UnsafeRawBufferPointer(start: header.scid, count: header.scidlen)))
        default:
            return .notQUIC
        }
    }
}
