import CQrateSocketShims
import Glibc
import Synchronization

/// A UDP socket that moves batches: runs of equal-sized datagrams in one system call (UDP_SEGMENT, UDP_GRO), with ECN
/// marks and local addresses. Knows nothing of what the datagrams hold.
package final class DatagramSocket: Sendable {
    package let descriptor: Int32
    package let family: AddressFamily
    /// The buffers as getsockopt(2) reports them after asking: twice what a program may use.
    package let grantedReceiveBuffer: Int
    package let grantedSendBuffer: Int
    /// The size that was asked for, for each of the two.
    package let askedBuffer: Int
    let asksForSegmentation: Bool
    /// Whether the kernel knew UDP_SEGMENT when the socket was opened.
    let knowsSegmentation: Bool
    let asksForCoalescing: Atomic<Bool>
    private let segmentation: Atomic<Bool>
    private let coalescing: Atomic<Bool>

    /// What to ask the kernel for.
    package struct Options: Sendable {
        /// Buffer size to ask for in each direction. 8 MiB: a 64 KiB burst times a window of hundreds of packets must
        /// fit, since loopback delivers straight into the receiver's queue.
        package var bufferSize = 8 << 20
        /// Go past net.core.rmem_max where privileges allow.
        package var mayExceedBufferLimit = true
        package var useSegmentation = true
        package var useCoalescing = true
        /// Datagrams that don't fit into the path's MTU are refused or lost, instead of sent in fragments.
        package var refusesFragments = true
        /// The TOS or traffic class byte of what is sent; nil for the system's.
        package var typeOfService: UInt8?
        /// Received datagrams tell what was dropped before them: ``ReceiveInfo/dropCounter``.
        package var countsDrops = false

        package init() {}
    }

    init(descriptor: Int32, family: AddressFamily, _ options: Options) throws(SocketError) {
        self.descriptor = descriptor
        self.family = family
        let size = Int32(clamping: options.bufferSize)
        askedBuffer = Int(size)
        let force: Int32 = options.mayExceedBufferLimit ? 1 : 0
        do {
            try SocketError.check(
                qrate_enable_receive_info(descriptor, family.number), "asking for packet information")
            if options.refusesFragments {
                try SocketError.check(qrate_enable_mtu_probing(descriptor, family.number), "setting don't-fragment")
            } else {
                try SocketError.check(qrate_allow_fragments(descriptor, family.number), "allowing fragments")
            }
            if let mark = options.typeOfService {
                try SocketError.check(
                    qrate_set_tos(descriptor, family.number, Int32(mark)), "setting the TOS byte \(mark)")
            }
            // A kernel that can't is no reason to do without the rest.
            if options.countsDrops { _ = qrate_enable_drop_count(descriptor) }
            grantedReceiveBuffer = Int(
                try SocketError.check(qrate_set_buffer(descriptor, SO_RCVBUF, size, force), "sizing the receive buffer")
            )
            grantedSendBuffer = Int(
                try SocketError.check(qrate_set_buffer(descriptor, SO_SNDBUF, size, force), "sizing the send buffer"))
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        asksForSegmentation = options.useSegmentation
        asksForCoalescing = Atomic(options.useCoalescing)
        knowsSegmentation = qrate_supports_gso(descriptor) == 1
        segmentation = Atomic(options.useSegmentation && knowsSegmentation)
        coalescing = Atomic(options.useCoalescing && qrate_enable_gro(descriptor) == 0)
    }

    deinit { Glibc.close(descriptor) }

    /// Whether batches are segmented by the kernel (UDP_SEGMENT). It may take the option when the socket opens and
    /// refuse in mid-flight, when a route leads to a device that can't.
    package var usesSegmentation: Bool { segmentation.load(ordering: .relaxed) }

    /// The kernel refused: from now on one datagram at a time.
    package func giveUpSegmentation() { segmentation.store(false, ordering: .relaxed) }

    /// Whether the kernel merges received datagrams (UDP_GRO).
    package var coalescesReceives: Bool { coalescing.load(ordering: .relaxed) }

    /// Has the kernel merge received datagrams from now on, where it can.
    package func coalesceReceives() {
        asksForCoalescing.store(true, ordering: .relaxed)
        coalescing.store(qrate_enable_gro(descriptor) == 0, ordering: .relaxed)
    }

    /// A socket for one peer: connected, so the kernel filters strangers and looks the route up once.
    package static func connected(to remote: SocketAddress, _ options: Options) throws(SocketError) -> DatagramSocket {
        let socket = try DatagramSocket(descriptor: open(remote.family), family: remote.family, options)
        guard remote.withSockaddr({ Glibc.connect(socket.descriptor, $0, $1) }) == 0 else {
            throw .last("connecting UDP to \(remote)")
        }
        return socket
    }

    /// A socket for everybody. An IPv6 one on the wildcard address takes IPv4 too.
    package static func bound(to local: SocketAddress, _ options: Options) throws(SocketError) -> DatagramSocket {
        let descriptor = try open(local.family)
        if local.family == .ipv6 { try setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        let socket = try DatagramSocket(descriptor: descriptor, family: local.family, options)
        guard local.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw .last("binding UDP \(local)") }
        return socket
    }

    static func open(_ family: AddressFamily) throws(SocketError) -> Int32 {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family.number, type, 0)
        guard descriptor >= 0 else { throw .last("opening a UDP socket") }
        return descriptor
    }

    /// The address that the kernel bound this socket to.
    package func localAddress() throws(SocketError) -> SocketAddress {
        try boundAddress(of: descriptor)
    }

    /// Receives what waits, without blocking: one datagram or a run of equal ones in `buffer`.
    ///
    /// - Parameter info: Filled with the source, the destination, the ECN bits and the segment size.
    /// - Returns: The byte count; nil when nothing waits.
    /// - Throws: ``SocketError``; ECONNREFUSED on a connected socket whose peer's port is closed.
    package func receive(
        into buffer: UnsafeMutableRawBufferPointer, info: ReceiveInfo
    ) throws(SocketError) -> Int? {
        let count = qrate_receive(descriptor, buffer.baseAddress, buffer.count, info.raw)
        if count >= 0 { return count }
        if count == -Int(EAGAIN) { return nil }
        throw SocketError(code: Int32(-count), "receiving datagrams")
    }

    /// Marks what is sent from now on, where the kernel lets it: cheaper than a mark with each batch, which has it look the
    /// route of a connected socket up again (0.4 of 3.9 µs for 64 KiB).
    ///
    /// - Returns: Whether it did.
    package func mark(_ typeOfService: UInt8) -> Bool {
        qrate_set_tos(descriptor, family.number, Int32(typeOfService)) == 0
    }

    package enum SendResult: Sendable, Equatable {
        case sent
        /// The socket's buffer is full: wait until it is writable and send the same again.
        case wouldBlock
        /// The kernel refused the batch with this errno.
        case refused(Int32)
    }

    /// Sends `bytes`, cut into datagrams of `segmentSize`.
    ///
    /// - Parameters:
    ///   - ecn: The two ECN bits (RFC 3168), or 0.
    ///   - remote: nil on a connected socket.
    ///   - local: The source address to use; nil for the kernel's choice.
    package func send(
        _ bytes: UnsafeRawBufferPointer, segmentSize: Int, ecn: UInt8,
        remote: UnsafeRawBufferPointer?, local: UnsafeRawBufferPointer?
    ) -> SendResult {
        let segment = segmentSize < bytes.count ? UInt16(truncatingIfNeeded: segmentSize) : 0
        let result = qrate_send(
            descriptor, bytes.baseAddress, bytes.count, segment, ecn == 0 ? -1 : Int32(ecn),
            remote?.baseAddress, UInt32(remote?.count ?? 0), local?.baseAddress)
        if result >= 0 { return .sent }
        return result == -Int(EAGAIN) ? .wouldBlock : .refused(Int32(-result))
    }
}

func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(SocketError) {
    var value = value
    guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
        throw .last("setting socket option \(option)")
    }
}

func boundAddress(of descriptor: Int32) throws(SocketError) -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { throw .last("asking for the local address") }
    return SocketAddress(storage: storage, length: length)
}
