/// What one end really used, after every default, limit and refusal by the system.
public struct EffectiveSettings: Sendable, Hashable {
    public var congestionController: String?
    /// The largest UDP payload this end sent, in bytes, without IP and UDP headers.
    public var maxUDPPayload: ByteCount?
    /// Whether segmentation offload (UDP_SEGMENT) and receive coalescing (UDP_GRO) were in use at the end.
    public var segmentationOffload: Bool?
    public var receiveOffload: Bool?
    /// The socket buffers that the kernel granted, as it accounts them (twice what a program may use for payload).
    public var sendBuffer: ByteCount?
    public var receiveBuffer: ByteCount?
    /// What was asked for, for each of the two, in a program's bytes (UDP and QUIC).
    public var socketBufferAsked: ByteCount?
    /// What this end's sockets had to do without; empty for nothing (UDP and QUIC).
    public var offloadFallbacks: [OffloadFallback]?
    /// Whether ECN marks survived the path (RFC 9000 §13.4.2); nil when that is not known yet.
    public var explicitCongestionNotification: Bool?

    /// The library whose AEAD sealed and opened packets or records, as in `gnutls` (QUIC and TLS).
    public var aead: String?

    /// Payload per write or per datagram.
    public var payloadUnit: ByteCount?
    /// The largest amount that pacing sends at once; nil when nothing is paced.
    public var pacingBurst: ByteCount?
    /// The TOS byte, where one was set.
    public var typeOfService: UInt8?
    public var maxSegmentSize: ByteCount?
    /// TCP_NODELAY.
    public var sendsWithoutDelay: Bool?
    public var usesZeroCopy: Bool?
    /// Received payload was not copied to the application: such a figure flatters.
    public var skipsReceiveCopy: Bool?
    public var usesMultipath: Bool?
    /// The ceiling of the flow-control windows (QUIC).
    public var flowControlWindow: ByteCount?
    /// How many threads carried this end's data connections (QUIC).
    public var endpointThreads: Int?
    /// nil where nothing was recorded, or nobody said.
    public var recording: RecordingSettings?

    public init() {}
}
