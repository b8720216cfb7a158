import Glibc

/// A UDP socket on a free port of 127.0.0.1, closed with its last reference.
final class UDPSocket: Sendable {
    let descriptor: CInt

    private init(owning descriptor: CInt) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    static func onLoopback() throws(FloorError) -> UDPSocket {
        let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system("opening a UDP socket", errno: errno) }
        let socket = UDPSocket(owning: descriptor)  // a throw below closes it
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let status = withSockaddr(&address) { bind(descriptor, $0, $1) }
        guard status == 0 else { throw .system("binding to 127.0.0.1", errno: errno) }
        return socket
    }

    func connect(to peer: UDPSocket) throws(FloorError) {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(peer.descriptor, $0, &length) }
        }
        guard status == 0 else { throw .system("asking for a socket's address", errno: errno) }
        status = Self.withSockaddr(&address) { Glibc.connect(descriptor, $0, $1) }
        guard status == 0 else { throw .system("connecting", errno: errno) }
    }

    func set<Value: BitwiseCopyable>(
        _ level: CInt, _ option: CInt, _ value: Value, _ name: String
    ) throws(FloorError) {
        guard setOption(level, option, value) else { throw .system("setting \(name)", errno: errno) }
    }

    /// Past the system's limit where the process may do that, else as far as the limit goes.
    func enlargeBuffers(to bytes: CInt) {
        for (forced, polite) in [(SO_SNDBUFFORCE, SO_SNDBUF), (SO_RCVBUFFORCE, SO_RCVBUF)] {
            if !setOption(SOL_SOCKET, forced, bytes) { _ = setOption(SOL_SOCKET, polite, bytes) }
        }
    }

    private func setOption<Value: BitwiseCopyable>(_ level: CInt, _ option: CInt, _ value: Value) -> Bool {
        var value = value
        return setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Value>.size)) == 0
    }

    private static func withSockaddr(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
