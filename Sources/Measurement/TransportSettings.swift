/// How a test's transport shall be set up at both ends, beyond its defaults. nil and false are "the default".
///
/// Which transport takes which of them is the transports' business; what one can't do is refused, never ignored.
public struct TransportSettings: Sendable, Hashable {
    /// Payload per write on TCP and TLS, per datagram (header included) on UDP and with QUIC datagrams.
    public var payloadUnit: ByteCount?
    /// Socket buffers on TCP, TLS and UDP; the ceiling of the flow-control windows on QUIC.
    public var window: ByteCount?
    public var congestionController: String?
    /// The TOS or traffic class byte, as in iperf3's `-S`.
    public var typeOfService: UInt8?
    /// TCP's and TLS's largest segment (TCP_MAXSEG).
    public var maxSegmentSize: Int?
    /// TCP and TLS: small writes go out at once (TCP_NODELAY).
    public var sendsWithoutDelay = false
    /// TCP: payload isn't copied on its way to the socket.
    public var usesZeroCopy = false
    /// TCP: received payload is thrown away by the kernel instead of being copied (MSG_TRUNC).
    public var skipsReceiveCopy = false
    /// TCP, TLS and UDP's control: Multipath TCP (RFC 8684).
    public var usesMultipath = false
    /// QUIC: the largest UDP payload to use, where path MTU discovery shall not go by itself.
    public var maxDatagram: MaxDatagram?
    /// QUIC: connections, each with its streams' share. At least 1.
    public var connections = 1
    /// QUIC: payload in datagrams (RFC 9221) instead of streams.
    public var usesDatagrams = false
    /// TLS and QUIC: the record cipher to insist on.
    public var cipher: CipherSuite?
    /// UDP: find the largest datagram that the path carries in each direction, instead of a rate.
    public var probesPathMTU = false

    public init() {}

    /// The largest UDP payload that QUIC may use.
    public enum MaxDatagram: Sendable, Hashable {
        case bytes(Int)
        /// What the interface towards the peer takes, whatever the path behind it does.
        case interface
    }
}

/// TLS 1.3's record ciphers (RFC 8446 appendix B.4), in the order in which they are offered.
public enum CipherSuite: String, Sendable, Hashable, CaseIterable {
    case aes128gcm
    case aes256gcm
    case chacha20
}
