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
    package let listener: StreamListenerSocket
    /// UDP tests' flows on the same port.
    package let flows: FlowDoor
    let options: DatagramSocket.Options

    /// The attempts to find a free TCP port whose UDP twin is free.
    private static let attempts = 32

    /// - Parameter port: 0 takes a free one.
    package static func open(port: UInt16, _ options: DatagramSocket.Options) throws(TransportError) -> FrontDoor {
        // To clients without MPTCP such a listener is a TCP one, and their connections are TCP's own: it costs them
        // nothing.
        var streamOptions = StreamOptions()
        streamOptions.usesMultipath = true
        for _ in 0..<attempts {
            let listener: StreamListenerSocket
            do throws(SocketError) {
                listener = try StreamListenerSocket.everywhere(port: port, streamOptions)
            } catch {
                throw refusal(error, "TCP", port)
            }
            do throws(SocketError) {
                let socket = try DatagramSocket.shared(on: .any(listener.family, port: listener.port), options)
                return FrontDoor(
                    port: listener.port, datagrams: socket, listener: listener, flows: FlowDoor(socket),
                    options: options)
            } catch {
                guard port == 0, error.code == EADDRINUSE else { throw refusal(error, "UDP", listener.port) }
            }
        }
        throw TransportError(.unreachable, "found no port that is free for both TCP and UDP")
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
