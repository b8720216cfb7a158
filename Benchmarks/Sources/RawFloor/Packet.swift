/// The sizes of one full QUIC packet, which both loops share so that their costs can be added, or of one TLS record.
///
/// A gigabyte of payload means the same in both: the bytes between the header and the tag. The few bytes of STREAM frame
/// header in them are counted as payload, which flatters the floor by half a percent.
struct Packet: Sendable {
    /// First byte, an 8-byte connection ID and a packet number of 4 bytes, plus one byte to spare: what an AEAD call
    /// authenticates without encrypting it (RFC 9001 section 5.3).
    private static let headerBytes = 14
    /// Of a TLS record (RFC 8446 section 5.2).
    private static let recordHeaderBytes = 5
    /// The most that a TLS record may hold (RFC 8446 section 5.1).
    private static let recordPayloadBytes = 16_384
    /// Of AES-128-GCM (RFC 9001 section 5.3).
    static let tagBytes = 16
    /// What UDP over IPv4 can carry.
    static let largest = 65_507

    /// Header, payload and tag: of a QUIC packet the UDP payload.
    let bytes: Int
    let headerBytes: Int

    var payloadBytes: Int { bytes - headerBytes - Self.tagBytes }

    /// - Returns: nil for a size that leaves no payload or that UDP can't carry.
    init?(bytes: Int) {
        guard bytes > Self.headerBytes + Self.tagBytes, bytes <= Self.largest else { return nil }
        self.bytes = bytes
        headerBytes = Self.headerBytes
    }

    private init(recordPayload: Int) {
        bytes = Self.recordHeaderBytes + recordPayload + Self.tagBytes
        headerBytes = Self.recordHeaderBytes
    }

    /// A full TLS 1.3 record. Its byte of content type counts as payload.
    static let record = Packet(recordPayload: recordPayloadBytes)
}
