import QrateMeasurement
import QrateTransportAPI

extension TransportError {
    /// What a server has against this client's certificate, in the same words on every transport; nil for an alert about
    /// something else. In TLS 1.3 the server says so only when the client's handshake is complete already.
    ///
    /// - Parameter code: The alert as the transport carries it.
    static func clientCertificate(refusedWith alert: UInt64, code: Int64) -> TransportError? {
        let reason: String
        switch alert {  // RFC 8446 §6.2
        case 116:
            return TransportError(
                .permission, "the server demands a client certificate: use --client-cert and --client-key", code: code)
        case 42: reason = "it is not valid"
        case 43: reason = "it is not made for clients"
        case 44: reason = "it was revoked"
        case 45: reason = "it has expired or is not valid yet"
        case 46, 49: reason = "it is not let in"
        case 48: reason = "it is not signed by an authority that the server trusts"
        default: return nil
        }
        return TransportError(
            .permission, "the server refused this client's certificate: \(reason) (TLS alert \(alert))", code: code)
    }
}
