import QrateSockets
import QrateTransports

/// How this end's sockets are set up.
public struct NetworkOptions: Sendable, Hashable {
    /// Let the kernel cut large sends into datagrams (UDP_SEGMENT), where it can.
    public var usesSegmentationOffload = true
    /// Let the kernel merge received datagrams (UDP_GRO), where it can.
    public var usesReceiveOffload = true
    /// Use this IP version only (`-4`, `-6`).
    public var ipVersion: IPVersion?
    /// An address of this host to begin at, with its zone where it needs one (`-B`).
    public var localHost: String?
    /// The port of the first data stream at this end; further ones take the numbers that follow (`--cport`).
    public var localPort: UInt16?
    /// The socket buffers to ask for, each way. nil asks for 8 MiB, and goes past the system's limit where privileges
    /// allow; what was granted is in the report.
    public var socketBuffer: ByteCount?

    public init() {}

    public enum IPVersion: Sendable, Hashable {
        case ipv4
        case ipv6
    }

    /// Below this a 64 KiB batch doesn't fit.
    static let smallestBuffer = ByteCount(64 << 10)

    func validate() throws(TestFailure) {
        guard let socketBuffer, socketBuffer < Self.smallestBuffer || socketBuffer.bytes > UInt64(Int32.max) else {
            return
        }
        throw TestFailure(
            .usage, "a socket buffer of \(socketBuffer.bytes) bytes is out of range: 65536 to 2147483647")
    }

    /// Where a client's connections begin.
    var localEnd: LocalEnd {
        var end = LocalEnd()
        end.family = ipVersion.map { $0 == .ipv4 ? .ipv4 : .ipv6 }
        end.host = localHost
        end.port = localPort
        return end
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
