import Glibc

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
