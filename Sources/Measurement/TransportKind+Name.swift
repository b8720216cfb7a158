extension TransportKind {
    /// As people write it.
    public var displayName: String {
        switch self {
        case .quic: "QUIC"
        case .tls: "TLS"
        case .tcp: "TCP"
        case .udp: "UDP"
        }
    }
}
