/// What the sender of datagrams knows. What arrived is the receiver's to say: ``DatagramReport``.
public struct UDPPathMetrics: Sendable, Hashable {
    /// Datagrams handed to the socket, since `start`.
    public var datagramsSent: UInt64?
    /// Datagrams that this end's kernel refused to take (ENOBUFS), since `start`.
    public var sendDrops: UInt64?
    /// What the receiver said on the data path while it was still receiving, since `start`: live, not final.
    public var reportedReceived: UInt64?
    public var reportedLost: UInt64?

    public init() {}
}
