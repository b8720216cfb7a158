import CQrateSocketShims
import Glibc

/// One port, a socket for everybody, and beside it sockets that are connected to one peer each. The kernel prefers a
/// connected socket for its peer's datagrams.
extension DatagramSocket {
    /// The socket for everybody on a port that it is going to share with ``flow(on:local:to:_:)``. An IPv6 one on the wildcard
    /// address takes IPv4 too.
    ///
    /// - Throws: ``SocketError``: EADDRINUSE also when the port's owner would share it.
    package static func shared(on local: SocketAddress, _ options: Options) throws(SocketError) -> DatagramSocket {
        var local = local
        local.port = try exclusivePort(local, options)
        return try sharing(local, options) { descriptor throws(SocketError) in
            // Without the program, what other peers send between a flow's bind and its connect may go to the flow's
            // socket. Its maker looks for that.
            _ = qrate_prefer_first_socket(descriptor)
        }
    }

    /// Sockets for everybody on one port, one for each thread that serves it, which they share with
    /// ``flow(beside:local:to:_:)``. The kernel tells QUIC packets apart by the first byte of their destination connection
    /// ID: its remainder, divided by the number of sockets, is the place of the socket that gets it. The first one gets
    /// everything else.
    ///
    /// - Parameter steers: Whether the kernel is asked to. Without, the sender's address decides. For tests.
    /// - Returns: Just one socket where the kernel won't steer.
    /// - Throws: ``SocketError``: EADDRINUSE also when the port's owner would share it.
    package static func shared(
        on local: SocketAddress, count: Int, steers: Bool = true, _ options: Options
    ) throws(SocketError) -> [DatagramSocket] {
        let first = try shared(on: local, options)
        guard count > 1 else { return [first] }
        let everywhere = try first.localAddress()
        // The first one's program holds until all are there, so that the others get nothing yet.
        var sockets = [first]
        for _ in 1..<count { sockets.append(try sharing(everywhere, options) { _ throws(SocketError) in }) }
        guard steers else { return sockets }
        return qrate_steer_by_connection_id(first.descriptor, UInt32(count)) == 0 ? sockets : [first]
    }

    /// Sockets that all want to share a port can do so by accident: one that doesn't is refused then.
    private static func exclusivePort(_ local: SocketAddress, _ options: Options) throws(SocketError) -> UInt16 {
        try bound(to: local, options).localAddress().port
    }

    /// A socket on a shared port that gets what `remote` sends there, and nothing else once it is connected.
    ///
    /// Between its bind and its connect it may have taken datagrams of others: they wait in it, each by itself.
    ///
    /// - Parameters:
    ///   - shared: The port's socket for everybody.
    ///   - local: The address that `remote` sends to.
    package static func flow(
        beside shared: DatagramSocket, local: SocketAddress, to remote: SocketAddress, _ options: Options
    ) throws(SocketError) -> DatagramSocket {
        var options = options
        options.useCoalescing = false
        let everywhere = try shared.localAddress()
        // First beside the shared socket, where the kernel can be told to leave it alone until it is connected.
        let socket = try sharing(everywhere, options) { _ throws(SocketError) in }
        try socket.connect(to: remote)
        if try socket.localAddress().host == local.host { return socket }
        // This host has several addresses and would answer from another one than it was asked at.
        var specific = local
        specific.port = everywhere.port
        let exact = try sharing(specific, options) { _ throws(SocketError) in }
        try exact.connect(to: remote)
        return exact
    }

    private static func sharing(
        _ local: SocketAddress, _ options: Options, bound body: (Int32) throws(SocketError) -> Void
    ) throws(SocketError) -> DatagramSocket {
        let descriptor = try open(local.family)
        let socket = try DatagramSocket(descriptor: descriptor, family: local.family, options)
        if local.family == .ipv6 { try setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        try SocketError.check(qrate_share_port(descriptor), "sharing a UDP port")
        guard local.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw .last("binding UDP \(local)") }
        try body(descriptor)
        return socket
    }

    /// From now on only `remote` is heard and spoken to.
    package func connect(to remote: SocketAddress) throws(SocketError) {
        guard remote.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            throw .last("connecting UDP to \(remote)")
        }
    }

    /// A socket for one peer that begins at an address or a port of the caller's choice.
    package static func connected(
        to remote: SocketAddress, from local: SocketAddress?, _ options: Options
    ) throws(SocketError) -> DatagramSocket {
        let socket = try DatagramSocket(descriptor: open(remote.family), family: remote.family, options)
        if let local {
            guard local.withSockaddr({ bind(socket.descriptor, $0, $1) }) == 0 else {
                throw .last("binding UDP \(local)")
            }
        }
        try socket.connect(to: remote)
        return socket
    }

    /// Buffers that the socket dropped for want of room since it was opened; nil when the kernel doesn't tell.
    package var dropCounter: UInt32? {
        let count = qrate_dropped(descriptor)
        return count < 0 ? nil : UInt32(truncatingIfNeeded: count)
    }

    /// The mark of what is sent.
    package var typeOfService: UInt8? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let isIPv4 = family == .ipv4
        let result = getsockopt(
            descriptor, isIPv4 ? Int32(IPPROTO_IP) : Int32(IPPROTO_IPV6), isIPv4 ? IP_TOS : IPV6_TCLASS, &value, &length
        )
        return result == 0 ? UInt8(truncatingIfNeeded: value) : nil
    }

    /// The largest datagrams that leave this host whole towards the peer of a connected socket, IP header included; nil
    /// when the kernel doesn't tell.
    package var pathMTU: Int? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let isIPv4 = family == .ipv4
        let result = getsockopt(
            descriptor, isIPv4 ? Int32(IPPROTO_IP) : Int32(IPPROTO_IPV6), isIPv4 ? IP_MTU : IPV6_MTU, &value, &length)
        return result == 0 ? Int(value) : nil
    }
}
