/// The form of TLS 1.3's records (RFC 8446 §5).
enum TLSRecord {
    static let headerSize = 5
    static let tagSize = 16
    /// The most content that one record carries.
    static let contentLimit = 1 << 14
    /// What protecting a full record adds: header, content type, tag.
    static let overhead = headerSize + 1 + tagSize
    /// Content type, padding and tag together may add this much (§5.2).
    static let ciphertextLimit = contentLimit + 256

    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23

    // Handshake messages that may come after the handshake (§4).
    static let newSessionTicket: UInt8 = 4
    static let keyUpdate: UInt8 = 24
}
