package import QrateMeasurement

/// What a client makes of the certificates that a server presented.
package enum TrustVerdict: Sendable, Hashable {
    /// Go on. The fingerprint is the leaf's; ``KnownServers/remember(_:_:for:)`` takes both values as they are.
    case accepted(CertificateVerification, Fingerprint)
    case refused(TrustRefusal)
}

/// Why a server isn't trusted, and what the user can do about it.
package struct TrustRefusal: Error, Sendable, Hashable {
    package var cause: Cause
    /// One line: which certificate, why not, what to do.
    package var message: String

    init(_ cause: Cause, _ message: String) {
        self.cause = cause
        self.message = message.onOneLine
    }

    package var failure: TestFailure { TestFailure(.certificate, message) }

    package enum Cause: Sendable, Hashable, CaseIterable {
        /// The server presented none.
        case noCertificate
        /// Not the certificate whose fingerprint was given with `--pin`.
        case pinMismatch
        /// Self-signed, and not the one that was recorded at the first contact.
        case changedFingerprint
        /// Self-signed, where an authority vouched for the server at an earlier contact.
        case selfSignedWhereAuthorityRecorded
        /// A data connection's isn't the one of the test's control connection.
        case notOfControl
        /// Signed by somebody whom neither the system's roots nor `--ca` name.
        case unknownAuthority
        case expired
        case notYetValid
        case wrongName
        /// Anything else: not a certificate, a wrong signature, an insecure algorithm, not made for servers.
        case invalid
    }
}

extension TrustRefusal {
    /// The TLS alert that tells the server (RFC 8446 §6.2). In QUIC it is the low byte of the CONNECTION_CLOSE code
    /// (RFC 9001 §4.8).
    package var tlsAlert: UInt8 {
        switch cause {
        case .noCertificate: 50  // decode_error (RFC 8446 §4.4.2.4)
        case .pinMismatch, .changedFingerprint, .selfSignedWhereAuthorityRecorded, .notOfControl:
            46  // certificate_unknown
        case .unknownAuthority: 48  // unknown_ca
        case .expired, .notYetValid: 45  // certificate_expired: "or is not currently valid"
        case .wrongName, .invalid: 42  // bad_certificate
        }
    }
}
