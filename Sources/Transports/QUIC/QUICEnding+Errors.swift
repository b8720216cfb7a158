import QrateMeasurement
import QrateQUICCore
import QrateTransportAPI

extension QUICEnding {
    /// How the end of an established connection is told to the user of this end; nil when it was closed in order.
    func error(at role: Role) -> TransportError? {
        role == .client ? clientCertificateRefusal ?? asError : asError
    }

    /// What the server has against this client's certificate; nil for any other ending.
    private var clientCertificateRefusal: TransportError? {
        guard case .transportErrorFromPeer(let code, _) = self, QUICErrorCode.cryptoErrors.contains(code) else {
            return nil
        }
        return .clientCertificate(
            refusedWith: code - QUICErrorCode.cryptoErrors.lowerBound, code: Int64(clamping: code))
    }

    /// The same, as far as it doesn't depend on which end this is.
    var asError: TransportError? {
        switch self {
        case .closedHere: nil
        case .closedByPeer(code: CloseReason.done.rawValue, _): nil
        case .closedByPeer(code: CloseReason.shuttingDown.rawValue, _):
            TransportError(.failed, "the peer is shutting down")
        case .closedByPeer(let code, let reason):
            TransportError(
                .failed, "the peer closed the connection: \(printable(reason, or: "error \(code)"))",
                code: Int64(clamping: code))
        case .transportErrorFromPeer(let code, let reason):
            TransportError(
                .failed, "the peer gave the connection up: \(printable(reason, or: QUICErrorCode.name(code)))",
                code: Int64(clamping: code))
        case .tlsAlert(let alert):
            TransportError(.failed, "TLS failed with alert \(alert)", code: Int64(alert))
        case .idleTimeout:
            TransportError(.failed, "the peer stopped answering")
        case .handshakeTimeout:
            TransportError(.unreachable, "the peer didn't answer in time")
        case .statelessReset:
            TransportError(.failed, "the peer has lost the connection: it was restarted?")
        case .versionMismatch(let versions):
            TransportError(
                .protocolError,
                "the server speaks other versions of QUIC only: "
                    + versions.prefix(8).map { "0x" + String($0, radix: 16) }.joined(separator: ", "))
        case .libraryError(let error):
            TransportError(.failed, "QUIC failed while \(error)", code: Int64(error.code))
        }
    }

    /// A peer's words, fit for a terminal and a log.
    private func printable(_ text: String, or other: String) -> String {
        let clean = String(
            text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }.prefix(120).map(Character.init))
        return clean.isEmpty ? other : clean
    }
}

/// Names of QUIC's transport error codes (RFC 9000 §20.1).
enum QUICErrorCode {
    /// A TLS alert is carried as 0x100 plus its number (RFC 9001 §4.8).
    static let cryptoErrors: ClosedRange<UInt64> = 0x100...0x1ff
    static let invalidToken: UInt64 = 0x0b
    /// TLS's no_application_protocol: the two ends share no ALPN.
    static let noApplicationProtocol: UInt64 = 0x100 + 120

    static func name(_ code: UInt64) -> String {
        let names = [
            "no error", "internal error", "connection refused", "flow control error", "stream limit error",
            "stream state error", "final size error", "frame encoding error", "transport parameter error",
            "connection ID limit error", "protocol violation", "invalid token", "application error",
            "crypto buffer exceeded", "key update error", "AEAD limit reached", "no viable path",
        ]
        if cryptoErrors.contains(code) { return "TLS alert \(code - 0x100)" }
        return code < UInt64(names.count) ? names[Int(code)] : "error 0x" + String(code, radix: 16)
    }
}

extension QUICError {
    /// ngtcp2 always lets a client open the first bidirectional stream that the server's parameters allow; a server
    /// that allows none can't be spoken to.
    static let noControlStream = QUICError(
        code: 0, call: "opening the control stream", reason: "the server allows none")
}
