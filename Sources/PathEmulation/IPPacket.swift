/// What can be seen of an IP packet from outside.
package enum IPPacket {
    /// The bytes of payload in a UDP datagram that this packet holds whole; nil when it holds anything else.
    ///
    /// Source: RFC 791 section 3.1, RFC 8200 section 3 (without extension headers), RFC 768.
    package static func udpPayload(_ packet: UnsafeRawBufferPointer) -> Int? {
        guard let first = packet.first else { return nil }
        switch first >> 4 {
        case 4:
            let header = Int(first & 0x0f) * 4
            guard header >= 20, packet.count >= header + 8, packet[9] == udp else { return nil }
            // Of fragments (offset, or more to come) none holds the whole datagram.
            guard packet[6] & 0x3f == 0, packet[7] == 0 else { return nil }
            return packet.count - header - 8
        case 6:
            guard packet.count >= 48, packet[6] == udp else { return nil }
            return packet.count - 48
        default: return nil
        }
    }

    private static let udp: UInt8 = 17
}
