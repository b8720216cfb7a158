import CQrateSocketShims
import Glibc

/// A listening TCP socket, not blocking, without SO_REUSEPORT: no other program can take a part of its clients.
package final class StreamListenerSocket: Sendable {
    package let descriptor: Int32
    package let local: SocketAddress

    private init(owning descriptor: Int32, local: SocketAddress) {
        self.descriptor = descriptor
        self.local = local
    }

    deinit { Glibc.close(descriptor) }

    package var port: UInt16 { local.port }
    package var family: AddressFamily { local.family }

    /// Listens on all addresses, IPv4 and IPv6, as far as the system has them.
    ///
    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - options: What accepted connections inherit. Buffer sizes must be known here, before the handshakes.
    package static func everywhere(
        port: UInt16, _ options: StreamOptions = StreamOptions()
    ) throws(SocketError) -> StreamListenerSocket {
        do throws(SocketError) {
            return try listening(on: .any(.ipv6, port: port), options)
        } catch {
            guard error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL else { throw error }
            return try listening(on: .any(.ipv4, port: port), options)
        }
    }

    package static func listening(
        on address: SocketAddress, _ options: StreamOptions = StreamOptions()
    ) throws(SocketError) -> StreamListenerSocket {
        let descriptor = try StreamSocket.open(address.family, options)
        do throws(SocketError) {
            // Connections that an earlier server left in TIME_WAIT must not keep its successor from starting. Linux
            // still lets nobody else bind where one listens.
            try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if address.family == .ipv6 { try setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
            try options.apply(to: descriptor, address.family)
            guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw .last("binding TCP \(address)") }
            guard listen(descriptor, backlog) == 0 else { throw .last("listening on TCP \(address)") }
            return StreamListenerSocket(owning: descriptor, local: try boundAddress(of: descriptor))
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Several tests of 128 streams may begin at once; the kernel cuts it to net.core.somaxconn.
    private static let backlog: Int32 = 1024

    /// Stops listening: new connections are refused, also while somebody still holds the socket.
    package func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// A connection that waits; nil when none does.
    ///
    /// - Throws: ``SocketError``: EMFILE and ENFILE when there are no descriptors left. A connection that was given up
    ///   before it was accepted is passed over.
    package func accept() throws(SocketError) -> StreamSocket? {
        while true {
            var peer = qrate_address()
            let result = qrate_accept(descriptor, &peer)
            if result == -EAGAIN { return nil }
            // Errors of the network that wait on the new connection are reported here (accept(2)).
            let passing = [
                ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
            ]
            if result < 0, passing.contains(-result) { continue }
            let accepted = try SocketError.check(result, "accepting TCP on port \(port)")
            let remote = withUnsafeBytes(of: peer.bytes) {
                SocketAddress(bytes: UnsafeRawBufferPointer(rebasing: $0.prefix(Int(peer.length))))
            }
            guard let remote, let local = try? boundAddress(of: accepted) else {
                Glibc.close(accepted)
                continue
            }
            return StreamSocket(owning: accepted, local: local, remote: remote)
        }
    }
}
