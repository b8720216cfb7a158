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
    /// Whether ECN marks survived the path (RFC 9000 §13.4.2); nil when that is not known yet.
    public var explicitCongestionNotification: Bool?

    public init() {}
}
