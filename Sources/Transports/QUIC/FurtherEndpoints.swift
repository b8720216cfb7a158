import Glibc
import QrateMeasurement
import QrateQUICDriver
import QrateSockets
import QrateTransportAPI
import Synchronization

/// The endpoints of a client's session beside its first: each a thread with a socket, for data connections.
final class FurtherEndpoints: Sendable {
    /// Where the session's first socket begins, as far as the user chose (`-B`, `--cport`).
    let beginning: SocketAddress?
    private let options: DatagramSocket.Options
    private let endpoints = Mutex<[QUICEndpoint]>([])

    init(beginning: SocketAddress?, _ options: DatagramSocket.Options) {
        self.beginning = beginning
        self.options = options
    }

    var all: [QUICEndpoint] { endpoints.withLock { $0 } }

    /// Opens `count` of them. With a port of the user's choice they take the numbers that follow it.
    func open(_ count: Int, to remote: SocketAddress) throws(TransportError) -> [QUICEndpoint] {
        var opened: [QUICEndpoint] = []
        for index in 0..<max(count, 0) {
            let own = try beginning(index)
            do throws(SocketError) {
                let socket = try DatagramSocket.connected(to: remote, from: own, options)
                let endpoint = try QUICEndpoint(socket, name: "qrate-quic")
                endpoints.withLock { $0.append(endpoint) }
                opened.append(endpoint)
            } catch {
                throw QUICTransport.cannotConnect(to: remote, from: own, error)
            }
        }
        return opened
    }

    private func beginning(_ index: Int) throws(TransportError) -> SocketAddress? {
        guard var own = beginning, own.port != 0 else { return beginning }
        guard let port = UInt16(exactly: Int(own.port) + index + 1) else {
            throw TransportError(
                .usage, "there are no \(index + 1) UDP ports behind \(own.port) (--cport): choose a lower one",
                code: Int64(EADDRNOTAVAIL))
        }
        own.port = port
        return own
    }
}
