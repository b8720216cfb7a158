import QrateSockets

/// How this end's UDP sockets are set up, those of QUIC and of UDP tests, and who encrypts.
public struct NetworkOptions: Sendable, Hashable {
    /// Let the kernel cut large sends into datagrams (UDP_SEGMENT), where it can.
    public var usesSegmentationOffload = true
    /// Let the kernel merge received datagrams (UDP_GRO), where it can.
    public var usesReceiveOffload = true
    /// The socket buffers to ask for, each way, in bytes: 64 KiB to 2 GiB. nil asks for 8 MiB, and goes past the system's
    /// limit where privileges allow; what was granted is in the report.
    public var socketBuffer: ByteCount?

    /// QUIC and TLS: who seals and opens packets and records at this end. The report says who did.
    public var aead = AEADChoice.auto

    public init() {}

    /// Below this a 64 KiB batch doesn't fit.
    static let smallestBuffer = ByteCount(64 << 10)

    func validate() throws(TestFailure) {
        guard let socketBuffer, socketBuffer < Self.smallestBuffer || socketBuffer.bytes > UInt64(Int32.max) else {
            return
        }
        throw TestFailure(
            .usage, "a socket buffer of \(socketBuffer.bytes) bytes is out of range: 65536 to 2147483647")
    }

    var socketOptions: DatagramSocket.Options {
        var options = DatagramSocket.Options()
        options.useSegmentation = usesSegmentationOffload
        options.useCoalescing = usesReceiveOffload
        if let socketBuffer {
            options.bufferSize = Int(clamping: socketBuffer.bytes)
            options.mayExceedBufferLimit = false
        }
        return options
    }
}
