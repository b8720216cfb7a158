import Glibc
import QrateMeasurement
package import QrateSockets
package import QrateTransportAPI

/// A server's port: one number for TCP and UDP.
///
/// The UDP socket is shared by everything that a server answers there; which of them a datagram is for, its first byte
/// says (QUIC sets bit 0x40 or 0x80). TCP connections are told apart by their first bytes, too (see ``Arrival``).
package struct FrontDoor: Sendable {
    package let port: UInt16
    package let datagrams: DatagramSocket
    /// One for each thread that serves the port's QUIC clients; ``datagrams`` is the first.
    package let sockets: [DatagramSocket]
    package let listener: StreamListenerSocket
    /// UDP tests' flows on the same port.
    package let flows: FlowDoor
    /// Latency probes of all tests.
    package let echo: EchoDoor
    let options: DatagramSocket.Options

    /// The attempts to find a free TCP port whose UDP twin is free.
    private static let attempts = 32

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - isLocal: Whether it is open on 127.0.0.1 alone.
    ///   - threads: How many shall serve QUIC. Where the kernel can't tell their packets apart it is one.
    ///   - steers: Whether the kernel is asked to. For tests.
    package static func open(
        port: UInt16, isLocal: Bool = false, threads: Int = 1, steers: Bool = true, _ options: DatagramSocket.Options
    ) throws(TransportError) -> FrontDoor {
        // To clients without MPTCP such a listener is a TCP one, and their connections are TCP's own: it costs them
        // nothing.
        var streamOptions = StreamOptions()
        streamOptions.usesMultipath = true
        for _ in 0..<attempts {
            let listener: StreamListenerSocket
            do throws(SocketError) {
                listener =
                    isLocal
                    ? try StreamListenerSocket.listening(on: .loopback(.ipv4, port: port), streamOptions)
                    : try StreamListenerSocket.everywhere(port: port, streamOptions)
            } catch {
                throw refusal(error, "TCP", port)
            }
            do throws(SocketError) {
                let local: SocketAddress =
                    isLocal ? .loopback(.ipv4, port: listener.port) : .any(listener.family, port: listener.port)
                let sockets = try DatagramSocket.shared(on: local, count: threads, steers: steers, options)
                return FrontDoor(listener, sockets, sockets[0], options)  // there is one at least
            } catch {
                guard port == 0, error.code == EADDRINUSE else { throw refusal(error, "UDP", listener.port) }
            }
        }
        throw TransportError(.unreachable, "found no port that is free for both TCP and UDP")
    }

    private init(
        _ listener: StreamListenerSocket, _ sockets: [DatagramSocket], _ first: DatagramSocket,
        _ options: DatagramSocket.Options
    ) {
        port = listener.port
        datagrams = first
        self.sockets = sockets
        self.listener = listener
        flows = FlowDoor(first)
        echo = EchoDoor(first)
        self.options = options
    }

    private static func refusal(_ error: SocketError, _ kind: String, _ port: UInt16) -> TransportError {
        switch error.code {
        case EADDRINUSE:
            let owner = port == 5201 ? " (an iperf3 or another qrate server?)" : ""
            return TransportError(
                .unreachable, "\(kind) port \(port) is in use\(owner): stop its owner or choose another with -p",
                code: Int64(error.code))
        case EACCES:
            return TransportError(
                .permission, "not allowed to use \(kind) port \(port): ports below 1024 need privileges",
                code: Int64(error.code))
        default:
            return TransportError(.unreachable, "cannot open \(kind) port \(port): \(error)", code: Int64(error.code))
        }
    }
}
