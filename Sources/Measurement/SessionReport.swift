/// How the connection came to be.
public struct HandshakeReport: Sendable, Hashable {
    /// At the client, from the first packet sent until data could flow: QUIC's handshake, TCP's with that of TLS, or
    /// TCP's alone (also for UDP tests, whose control goes over TCP).
    public var duration: Duration
    /// QUIC's, from the same first packet until the server confirmed the handshake (HANDSHAKE_DONE, RFC 9001 §4.1.2); nil
    /// elsewhere, and before.
    public var confirmedAfter: Duration?
    /// Whether the TLS session of an earlier connection was resumed (RFC 8446 §2.2); nil where there is no TLS.
    public var isResumed: Bool?

    public init(duration: Duration, isResumed: Bool? = nil) {
        self.duration = duration
        self.isResumed = isResumed
    }
}

/// What protects the connection and how the server's certificate was judged.
public struct SecurityReport: Sendable, Hashable {
    /// As in `TLS 1.3`.
    public var protocolVersion: String
    /// The record cipher, as in `AES-128-GCM`.
    public var cipher: String
    /// The library that does it at this end, as in `gnutls`; the other end's is in its ``EffectiveSettings``.
    public var aead: String?
    public var applicationProtocol: String
    public var verification: CertificateVerification
    /// SHA-256 over the DER of the server's leaf certificate, 64 lowercase hexadecimal digits.
    public var fingerprint: String

    public init(
        protocolVersion: String, cipher: String, aead: String? = nil, applicationProtocol: String,
        verification: CertificateVerification, fingerprint: String
    ) {
        self.protocolVersion = protocolVersion
        self.cipher = cipher
        self.aead = aead
        self.applicationProtocol = applicationProtocol
        self.verification = verification
        self.fingerprint = fingerprint
    }
}

/// Why the client accepted the server's certificate.
public enum CertificateVerification: Sendable, Hashable {
    /// The fingerprint given with `--pin`.
    case pinned
    /// A chain to a trusted root, and the name matched.
    case certificateAuthority
    /// A self-signed certificate seen before, on the date recorded (`YYYY-MM-DD`).
    case known(since: String)
    /// A self-signed certificate seen for the first time, now recorded.
    case firstUse
    /// `--insecure`: nothing was checked.
    case unverified
}
