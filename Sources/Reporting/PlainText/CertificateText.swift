import QrateMeasurement

/// How the server's certificate was judged, in words.
struct CertificateText {
    var verdict: String
    /// The whole fingerprint, written as `--pin` takes it: where nobody vouched for the certificate, the user should be
    /// able to compare it and to keep it.
    var fingerprintLine: String?

    init(_ security: SecurityReport) {
        let fingerprint = PrintableText.clean(security.fingerprint, limit: 64)
        let short = "sha256:\(fingerprint.prefix(4))…\(fingerprint.suffix(2))"
        switch security.verification {
        case .pinned: verdict = "certificate pinned (\(short))"
        case .certificateAuthority: verdict = "certificate signed by a trusted authority (\(short))"
        case .known(let date):
            verdict = "certificate known since \(PrintableText.clean(date, limit: 10)) (\(short))"
        case .firstUse:
            verdict = "first contact, certificate fingerprint recorded"
            fingerprintLine = "sha256:\(fingerprint)"
        case .unverified:
            verdict = "certificate NOT VERIFIED (--insecure)"
            fingerprintLine = "sha256:\(fingerprint)"
        }
    }
}
