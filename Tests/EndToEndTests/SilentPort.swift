import Glibc
import QrateSockets
import QrateTestSupport
import Synchronization

/// A port of 127.0.0.1 on which no QUIC server answers.
final class SilentPort: Sendable {
    enum Kind {
        /// Nothing is there: the host says so, by RST and by ICMP.
        case closed
        /// A TCP server like most, with SO_REUSEADDR, on a port that somebody else may have.
        case tcpServer(UInt16)
        /// A TCP server only.
        case tcpOnly
        /// UDP datagrams are answered, with what `reply` makes of them.
        case answers(@Sendable ([UInt8]) -> [UInt8])
    }

    let number: UInt16
    /// Holds the number, so that no other test gets it meanwhile.
    private let tcp: CInt
    private let echo: UDPEcho?

    struct Failure: Error { let errno: CInt }

    init(_ kind: Kind) throws {
        tcp = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard tcp >= 0 else { throw Failure(errno: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let tcp = tcp
        if case .tcpServer(let port) = kind {
            var isOn: CInt = 1
            setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<CInt>.size))
            address.sin_port = port.bigEndian
        }
        let isBound = withUnsafeMutableBytes(of: &address) {
            let address = $0.assumingMemoryBound(to: sockaddr.self).baseAddress!
            return bind(tcp, address, length) == 0 && getsockname(tcp, address, &length) == 0
        }
        guard isBound else {
            let failure = Failure(errno: errno)
            close(tcp)
            throw failure
        }
        number = UInt16(bigEndian: address.sin_port)
        switch kind {
        case .closed: echo = nil
        case .tcpOnly, .tcpServer:
            echo = nil
            guard listen(tcp, 8) == 0 else { throw Failure(errno: errno) }
        case .answers(let reply): echo = try UDPEcho(address, reply)
        }
    }

    deinit { close(tcp) }
}

/// Answers datagrams until it goes away.
private final class UDPEcho: Sendable {
    private let descriptor: CInt
    private let thread: DedicatedThread

    init(_ address: sockaddr_in, _ reply: @escaping @Sendable ([UInt8]) -> [UInt8]) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SilentPort.Failure(errno: errno) }
        let isBound = withUnsafeBytes(of: address) {
            bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count)) == 0
        }
        guard isBound else { throw SilentPort.Failure(errno: errno) }
        self.descriptor = descriptor
        thread = DedicatedThread(name: "udp-echo") { Self.run(descriptor, reply) }
    }

    private static func run(_ descriptor: CInt, _ reply: ([UInt8]) -> [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                    let count = recvfrom(descriptor, &buffer, buffer.count, 0, peer, &length)
                    guard count > 0 else { return length = 0 }
                    let answer = reply(Array(buffer[..<count]))
                    sendto(descriptor, answer, answer.count, 0, peer, length)
                }
            }
            if length == 0 { return }
        }
    }

    deinit {
        shutdown(descriptor, CInt(SHUT_RDWR))  // lets the thread's recvfrom(2) return
        thread.join()
        close(descriptor)
    }
}
