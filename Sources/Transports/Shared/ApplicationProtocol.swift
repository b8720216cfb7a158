/// What is spoken inside TLS and QUIC, by ALPN.
enum ApplicationProtocol {
    /// qrate's own. A server that knows another one only refuses it in the handshake (TLS alert 120).
    static let qrate = "qrate/1"
}
