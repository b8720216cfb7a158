import QrateMeasurement
import QrateSecurity
import QrateTransportAPI

extension TransportError {
    /// A handshake failed.
    init(handshake failure: TLSFailure, at role: Role, _ peer: String) {
        switch failure {
        case .refusedServer(let refusal):
            self.init(.certificate, refusal.message, code: Int64(refusal.tlsAlert))
        case .refusedClient(let refusal):
            self.init(.permission, refusal.message, code: Int64(refusal.tlsAlert))
        case .alertReceived(TLSAlert.noApplicationProtocol) where role == .client:
            self.init(
                .protocolError,
                "\(peer) speaks TLS, but not qrate's protocol (ALPN \(ApplicationProtocol.qrate)): is it a qrate server?",
                code: Int64(TLSAlert.noApplicationProtocol))
        case .alertReceived(let alert):
            self.init(
                .protocolError, "\(peer) refused the TLS handshake with alert \(alert)", code: Int64(alert))
        case .failed(let alert, let reason):
            self.init(
                .protocolError, "the TLS handshake with \(peer) failed with alert \(alert): \(reason)",
                code: Int64(alert))
        case .library(let error):
            self.init(.failed, "TLS with \(peer) failed while \(error)", code: Int64(error.code))
        }
    }

    /// A connection ended badly whose handshake was complete at this end.
    init(established failure: TLSFailure, at role: Role, _ peer: String) {
        switch failure {
        case .alertReceived(let alert):
            let refusal =
                role == .client
                ? TransportError.clientCertificate(refusedWith: UInt64(alert), code: Int64(alert)) : nil
            self =
                refusal
                ?? TransportError(
                    .failed, "the peer gave the connection up: TLS alert \(alert)", code: Int64(alert))
        case .failed(let alert, let reason):
            self.init(.failed, "the connection to \(peer) failed: \(reason)", code: Int64(alert))
        case .library(let error):
            self.init(.failed, "TLS with \(peer) failed while \(error)", code: Int64(error.code))
        case .refusedServer, .refusedClient:
            self.init(handshake: failure, at: role, peer)
        }
    }
}
