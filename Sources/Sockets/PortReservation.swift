import Glibc

/// Holds a TCP port number without serving it: connections are refused, and no other program can listen there.
package final class PortReservation: Sendable {
    private let descriptor: Int32
    package let port: UInt16
    /// IPv6, for both protocols, where the system has it.
    package let family: AddressFamily

    package init(port: UInt16) throws(SocketError) {
        do throws(SocketError) {
            (descriptor, self.port) = try Self.reserve(.ipv6, port)
            family = .ipv6
        } catch {
            guard error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL else { throw error }
            (descriptor, self.port) = try Self.reserve(.ipv4, port)
            family = .ipv4
        }
    }

    deinit { Glibc.close(descriptor) }

    private static func reserve(_ family: AddressFamily, _ port: UInt16) throws(SocketError) -> (Int32, UInt16) {
        let descriptor = socket(family.number, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .last("opening a TCP socket") }
        do throws(SocketError) {
            // Connections that an earlier server left in TIME_WAIT must not keep its successor from starting.
            try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if family == .ipv6 { try setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
            let address = SocketAddress.any(family, port: port)
            guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw .last("binding TCP \(address)") }
            // As long as both have the option, and neither listens, Linux lets a second socket bind and then listen.
            try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 0)
            return (descriptor, try boundAddress(of: descriptor).port)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }
}

/// Asks whether anything accepts TCP connections somewhere: for messages about a server that doesn't answer on UDP.
package enum TCPProbe {
    /// Blocks for at most `timeout`.
    package static func answers(_ address: SocketAddress, timeout: Duration) -> Bool {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.family.number, type, 0)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        if address.withSockaddr({ connect(descriptor, $0, $1) }) == 0 { return true }
        guard errno == EINPROGRESS else { return false }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&waiting, 1, Int32(timeout.components.seconds * 1000)) == 1 else { return false }
        var failure: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0
    }
}
