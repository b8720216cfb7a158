import QrateDatagramProtocol
package import QrateQUICDriver
package import QrateSockets
import Synchronization

/// The flows' way into a server's shared UDP port: takes hellos, and gives each flow a socket of its own beside the port's.
package final class FlowDoor: Sendable {
    /// Whether this kernel gives a connected socket its peer's datagrams and everything else to the port's own. Without
    /// that, flows get ports of their own, and `single_port_udp_v1` must not be offered.
    package let canShareThePort: Bool
    /// The port's own socket.
    let socket: DatagramSocket
    private let tests = Mutex<[FlowToken: Entry]>([:])

    struct Entry: Sendable {
        /// Where the control connection comes from, IPv4-mapped addresses as IPv4.
        var host: String
        var streams: Int
        var options: DatagramSocket.Options
        var sink: any FlowSink
    }

    /// - Parameter socket: From ``QrateSockets/DatagramSocket/shared(on:_:)``.
    package init(_ socket: DatagramSocket) {
        self.socket = socket
        canShareThePort = FlowRouting.works(socket.family)
    }

    func register(_ entry: Entry) -> FlowToken {
        let token = FlowToken.random()
        tests.withLock { $0[token] = entry }
        return token
    }

    func remove(_ token: FlowToken) { tests.withLock { $0[token] = nil } }

    /// Takes what came to the port and isn't QUIC. On the endpoint's thread. A hello of no test is dropped without a word,
    /// and the answer to one is as long as the hello.
    package func handle(_ stray: StrayDatagram) {
        guard let hello = FlowHello(stray.bytes), hello.kind == .hello,
            let entry = tests.withLock({ $0[hello.token] }), Int(hello.flow) < entry.streams,
            let remote = SocketAddress(bytes: stray.remote), remote.host == entry.host,
            let local = SocketAddress(bytes: stray.local)
        else { return }
        let index = Int(hello.flow)
        if let flow = entry.sink.flow(at: index) {
            // Its socket gets the flow's hellos now; this one was on its way before. Another port's is no second flow.
            if case .welcomed(_, let peer) = flow.greeting, peer.isSameEnd(as: stray.remote) {
                flow.acknowledge(hello.token)
            }
            return
        }
        // Without a descriptor or memory left there is no answer, and the client asks again.
        guard let flowSocket = try? DatagramSocket.flow(beside: socket, local: local, to: remote, entry.options) else {
            return
        }
        returnStrays(from: flowSocket, remote, stray)
        if entry.options.useCoalescing { flowSocket.coalesceReceives() }
        let flow = UDPFlow(flowSocket, index: index, .welcomed(hello.token, peer: remote))
        guard entry.sink.attach(flow) else { return }
        flow.acknowledge(hello.token)
    }

    /// Gives back what the socket took of other peers' datagrams between its bind and its connect.
    private func returnStrays(from socket: DatagramSocket, _ peer: SocketAddress, _ stray: StrayDatagram) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        let info = ReceiveInfo()
        while let count = try? socket.receive(into: buffer, info: info) {
            // The peer itself has nothing to send before it is answered, but further hellos.
            guard !peer.isSameEnd(as: info.remote), !info.isTruncated else { continue }
            stray.reroute(info.remote, UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// What takes a test's flows.
protocol FlowSink: AnyObject, Sendable {
    func flow(at index: Int) -> UDPFlow?
    /// - Returns: false when the flow is not wanted any more.
    func attach(_ flow: UDPFlow) -> Bool
}
