import Glibc
package import QrateSockets
import Synchronization

/// A middlebox between a client and a server on loopback, which can forget its mapping as a NAT does: from then on the
/// server sees the client at another port.
package final class DatagramRelay: Sendable {
    /// Where the client connects to.
    package let address: SocketAddress
    private let front: DatagramSocket
    private let target: SocketAddress
    private let state = Mutex(State())
    private let wakeUp: WakeUp

    fileprivate struct State {
        var wantsNewPort = false
        var isStopping = false
    }

    package init(to target: SocketAddress) throws {
        self.target = target
        front = try DatagramSocket.bound(to: .loopback(.ipv4, port: 0), Self.plain)
        address = try front.localAddress()
        wakeUp = try WakeUp()
        let back = try DatagramSocket.connected(to: target, Self.plain)
        DedicatedThread(name: "test-relay") { self.run(back) }.detach()
    }

    /// One datagram a call: the relay doesn't cut merged ones up again.
    private static var plain: DatagramSocket.Options {
        var options = DatagramSocket.Options()
        options.useCoalescing = false
        options.useSegmentation = false
        return options
    }

    /// The server sees another source port from now on.
    package func rebind() {
        state.withLock { $0.wantsNewPort = true }
        wakeUp.signal()
    }

    package func stop() {
        state.withLock { $0.isStopping = true }
        wakeUp.signal()
    }

    private func run(_ first: DatagramSocket) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        let info = ReceiveInfo()
        var back = first
        var client: SocketAddress?
        while !state.withLock({ $0.isStopping }) {
            if state.withLock({ $0.takeRebind() }), let fresh = try? DatagramSocket.connected(to: target, Self.plain) {
                back = fresh
            }
            var moved = 0
            while let count = try? front.receive(into: buffer, info: info) {
                client = SocketAddress(bytes: info.remote)
                forward(buffer, count, info.ecn, through: back, to: nil)
                moved += 1
            }
            while let count = try? back.receive(into: buffer, info: info) {
                forward(buffer, count, info.ecn, through: front, to: client)
                moved += 1
            }
            // Two sockets, and one wait for one: look at the other every millisecond.
            if moved == 0 { _ = SocketPoll.wait(for: .readable, on: front, wakeUp, nanoseconds: 1_000_000) }
        }
    }

    private func forward(
        _ buffer: UnsafeMutableRawBufferPointer, _ count: Int, _ ecn: UInt8, through socket: DatagramSocket,
        to address: SocketAddress?
    ) {
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        guard let address else {
            _ = socket.send(bytes, segmentSize: count, ecn: ecn, remote: nil, local: nil)
            return
        }
        address.withBytes { _ = socket.send(bytes, segmentSize: count, ecn: ecn, remote: $0, local: nil) }
    }
}

extension DatagramRelay.State {
    fileprivate mutating func takeRebind() -> Bool {
        defer { wantsNewPort = false }
        return wantsNewPort
    }
}
