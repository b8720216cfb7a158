internal import Glibc
package import QrateMeasurement

/// Why a server that demands certificates doesn't let a client in.
package struct ClientRefusal: Error, Sendable, Hashable {
    package var cause: Cause
    /// One line for the server's log. The client is told the alert.
    package var message: String

    private init(_ cause: Cause, _ message: String) {
        self.cause = cause
        self.message = message.onOneLine
    }

    package var failure: TestFailure { TestFailure(.permission, message) }

    package enum Cause: Sendable, Hashable, CaseIterable {
        /// The client presented none.
        case noCertificate
        /// Signed by somebody whom `--client-ca` doesn't name.
        case unknownAuthority
        case expired
        case notYetValid
        /// Made for something else, as servers' certificates are.
        case wrongPurpose
        /// Anything else: not a certificate, an insecure algorithm, a rule of the authority that it breaks.
        case invalid
    }

    /// The TLS alert that tells the client (RFC 8446 §6.2). In QUIC it is the low byte of the CONNECTION_CLOSE code
    /// (RFC 9001 §4.8).
    package var tlsAlert: UInt8 {
        switch cause {
        case .noCertificate: 116  // certificate_required
        case .unknownAuthority: 48  // unknown_ca
        case .expired, .notYetValid: 45  // certificate_expired: "or is not currently valid"
        case .wrongPurpose: 43  // unsupported_certificate
        case .invalid: 42  // bad_certificate
        }
    }
}

extension ClientRefusal {
    /// What the TLS library refused by itself, before anybody was asked to judge: no certificate at all, or bytes that
    /// aren't one. nil for an alert that says nothing of certificates.
    package init?(alert: UInt8) {
        switch alert {
        case Self.noCertificate.tlsAlert: self = .noCertificate
        case Self.unreadable.tlsAlert: self = .unreadable
        default: return nil
        }
    }

    static let noCertificate = Self(.noCertificate, "the client presents no certificate")
    static let unreadable = Self(.invalid, "the client presents a certificate that cannot be read")

    static func tooLong(_ count: Int) -> Self {
        Self(
            .invalid, "the client presents \(count) certificates; a chain may have \(CertificateChain.countLimit)")
    }

    /// The one of several faults that an operator has to hear of first: who signed it, then when, then what for.
    static func faults(
        _ faults: CertificateFaults, of chain: borrowing CertificateChain, _ fingerprint: Fingerprint,
        _ authorities: TrustStore
    ) -> Self {
        let certificate = "the client's certificate (\(fingerprint))"
        if faults.isUntrusted {
            let place = authorities.file ?? "this system"
            return Self(.unknownAuthority, "\(certificate) is not signed by any authority of \(place)")
        }
        if faults.contains(.expired) {
            return Self(.expired, chain.expiry(of: certificate, from: "the client", now: time(nil)))
        }
        if faults.contains(.notYetValid) {
            return Self(.notYetValid, chain.activation(of: certificate, from: "the client", now: time(nil)))
        }
        if faults.contains(.wrongPurpose) { return Self(.wrongPurpose, "\(certificate) is not made for clients") }
        if faults.contains(.insecureAlgorithm) {
            return Self(
                .invalid, "\(certificate) is signed with an insecure algorithm or a key that is too short")
        }
        return Self(.invalid, "\(certificate) breaks a rule of its authority or was revoked")
    }
}
