/// Why a TLS session over a stream ended badly.
package enum TLSFailure: Error, Sendable, Hashable {
    /// Client: the server's certificate was refused here.
    case refusedServer(TrustRefusal)
    /// Server: the client's certificate, or that it showed none, was refused here.
    case refusedClient(ClientRefusal)
    /// The peer gave up, with this alert (RFC 8446 §6.2).
    case alertReceived(UInt8)
    /// This end gave up, with this alert: the peer breaks the protocol, or the two have nothing in common.
    case failed(alert: UInt8, reason: String)
    /// A call of the TLS library failed for no fault of the peer's.
    case library(TLSError)

    /// The alert that the peer is to be told; nil when it gave up itself.
    package var alert: UInt8? {
        switch self {
        case .refusedServer(let refusal): refusal.tlsAlert
        case .refusedClient(let refusal): refusal.tlsAlert
        case .alertReceived: nil
        case .failed(let alert, _): alert
        case .library: TLSAlert.internalError
        }
    }
}

/// The alerts that are named here (RFC 8446 §6).
package enum TLSAlert {
    static let closeNotify: UInt8 = 0
    static let unexpectedMessage: UInt8 = 10
    static let badRecordMAC: UInt8 = 20
    static let recordOverflow: UInt8 = 22
    static let illegalParameter: UInt8 = 47
    static let decodeError: UInt8 = 50
    static let internalError: UInt8 = 80
    static let userCanceled: UInt8 = 90
    package static let handshakeFailure: UInt8 = 40
    /// The two ends share no ALPN.
    package static let noApplicationProtocol: UInt8 = 120
}
