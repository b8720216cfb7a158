/// How a test's transport shall be set up at both ends, beyond its defaults. nil and false are "the default".
///
/// Which transport takes which of them is the transports' business; what one can't do is refused, never ignored.
public struct TransportSettings: Sendable, Hashable {
    /// Bytes of payload per write on TCP and TLS, per datagram (its own header included) on UDP and with QUIC datagrams.
    /// nil is the transport's default: 1400 over UDP, what fits with QUIC datagrams. QUIC's streams have none.
    public var payloadUnit: ByteCount?
    /// Bytes: the socket buffers at both ends on TCP, TLS and UDP; the ceiling of the flow-control windows on QUIC. nil
    /// leaves it to the kernel on TCP and TLS, and to this program on the others.
    public var window: ByteCount?
    /// QUIC, TCP and TLS: by name, at whichever end sends. TCP's are the kernel's, QUIC's `cubic`, `reno`, `bbr` and
    /// `bbr2`. nil is each end's default.
    public var congestionController: String?
    /// Every transport: the TOS or traffic class byte of what both ends send, as in iperf3's `-S`. A code point is its
    /// upper six bits; QUIC keeps the lower two for ECN. nil leaves it alone.
    public var typeOfService: UInt8?
    /// TCP and TLS: the largest segment in bytes (TCP_MAXSEG). nil leaves it to the kernel.
    public var maxSegmentSize: Int?
    /// TCP and TLS: small writes go out at once (TCP_NODELAY).
    public var sendsWithoutDelay = false
    /// TCP: payload isn't copied on its way to the socket.
    public var usesZeroCopy = false
    /// TCP: received payload is thrown away by the kernel instead of being copied (MSG_TRUNC).
    public var skipsReceiveCopy = false
    /// TCP, TLS and UDP's control: Multipath TCP (RFC 8684).
    public var usesMultipath = false
    /// QUIC: the largest UDP payload to use. nil is what path MTU discovery finds.
    public var maxDatagram: MaxDatagram?
    /// QUIC: connections, each with its share of the streams: 1 to that number. On the others it stays 1.
    public var connections = 1
    /// QUIC: payload in datagrams (RFC 9221) instead of streams.
    public var usesDatagrams = false
    /// TLS and QUIC: the record cipher to insist on. nil offers all, AES-128-GCM first.
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
