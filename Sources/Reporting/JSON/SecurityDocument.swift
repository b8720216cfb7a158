import QrateMeasurement

/// How the connection came to be.
struct HandshakeDocument: Encodable {
    var durationMilliseconds: Double
    var confirmedMilliseconds: Double?
    var isResumed: Bool?

    enum CodingKeys: String, CodingKey {
        case durationMilliseconds = "duration_ms"
        case confirmedMilliseconds = "confirmed_ms"
        case isResumed = "resumed"
    }

    init(_ handshake: HandshakeReport) {
        durationMilliseconds = handshake.duration.jsonMilliseconds
        confirmedMilliseconds = handshake.confirmedAfter?.jsonMilliseconds
        isResumed = handshake.isResumed
    }
}

/// What protects the connection, and why the server's certificate was accepted.
struct SecurityDocument: Encodable {
    var protocolVersion: String
    var cipher: String
    var aead: String?
    var applicationProtocol: String
    var verification: Verification
    /// The date on which a known certificate was first seen.
    var knownSince: String?
    var fingerprint: String

    enum Verification: String, Encodable {
        case pinned, ca, known, unverified
        case firstUse = "first_use"
    }

    enum CodingKeys: String, CodingKey {
        case cipher, aead, verification
        case protocolVersion = "protocol"
        case applicationProtocol = "alpn"
        case knownSince = "known_since"
        case fingerprint = "fingerprint_sha256"
    }

    init(_ security: SecurityReport) {
        protocolVersion = PrintableText.clean(security.protocolVersion)
        cipher = PrintableText.clean(security.cipher)
        aead = security.aead.map(PrintableText.clean)
        applicationProtocol = PrintableText.clean(security.applicationProtocol)
        fingerprint = PrintableText.clean(security.fingerprint)
        switch security.verification {
        case .pinned: verification = .pinned
        case .certificateAuthority: verification = .ca
        case .known(let date):
            verification = .known
            knownSince = PrintableText.clean(date)
        case .firstUse: verification = .firstUse
        case .unverified: verification = .unverified
        }
    }
}
