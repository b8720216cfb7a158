import Glibc
package import QrateSockets
import Synchronization

/// A middlebox between a client and a server on loopback, which can forget its mapping as a NAT does (from then on the
/// server sees the client at another port), and which can lose, double and delay what goes to the server.
package final class DatagramRelay: Sendable {
    /// Where the client connects to.
    package let address: SocketAddress
    private let front: DatagramSocket
    private let target: SocketAddress
    private let state = Mutex(State())
    private let wakeUp: WakeUp
    private let fate: @Sendable (Int) -> Fate

    /// What becomes of a datagram on its way to the server.
    package enum Fate: Sendable {
        case pass
        case drop
        case double
        /// It comes behind as many later ones.
        case hold(Int)
    }

    /// Datagrams below this size are none of the payload, and always pass.
    private static let smallest = 100

    fileprivate struct State {
        var wantsNewPort = false
        var isStopping = false
        var delivered: [Int] = []
    }

    /// - Parameter fate: Asked for each datagram of payload to the server, with its number from 0.
    package init(to target: SocketAddress, fate: @escaping @Sendable (Int) -> Fate = { _ in .pass }) throws {
        self.target = target
        self.fate = fate
        front = try DatagramSocket.bound(to: .loopback(.ipv4, port: 0), Self.plain)
        address = try front.localAddress()
        wakeUp = try WakeUp()
        DedicatedThread(name: "test-relay") { self.run() }.detach()
    }

    /// One datagram a call: the relay doesn't cut merged ones up again.
    private static var plain: DatagramSocket.Options {
        var options = DatagramSocket.Options()
        options.useCoalescing = false
        options.useSegmentation = false
        return options
    }

    /// The numbers of the datagrams of payload that went to the server, in the order in which they went.
    package var delivered: [Int] { state.withLock { $0.delivered } }

    /// The server sees other source ports from now on.
    package func rebind() {
        state.withLock { $0.wantsNewPort = true }
        wakeUp.signal()
    }

    package func stop() {
        state.withLock { $0.isStopping = true }
        wakeUp.signal()
    }

    private func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        let info = ReceiveInfo()
        var flows: [(client: SocketAddress, back: DatagramSocket)] = []
        var held: [(number: Int, dueAfter: Int, bytes: [UInt8])] = []
        var next = 0
        while !state.withLock({ $0.isStopping }) {
            if state.withLock({ $0.takeRebind() }) {
                for index in flows.indices {
                    guard let fresh = try? DatagramSocket.connected(to: target, Self.plain) else { continue }
                    flows[index].back = fresh
                }
            }
            var moved = 0
            while let count = try? front.receive(into: buffer, info: info) {
                guard let back = self.back(&flows, info.remote) else { continue }
                moved += 1
                guard count >= Self.smallest else {
                    // What ends a flow comes behind its last datagram.
                    for one in held { deliver(one.bytes, one.number, through: back) }
                    held = []
                    forward(buffer, count, info.ecn, through: back, to: nil)
                    continue
                }
                let (number, bytes) = (next, Array(buffer[..<count]))
                next += 1
                switch fate(number) {
                case .pass: deliver(bytes, number, through: back)
                case .drop: break
                case .double: for _ in 0..<2 { deliver(bytes, number, through: back) }
                case .hold(let others): held.append((number, number + others, bytes))
                }
                for one in held where one.dueAfter <= number { deliver(one.bytes, one.number, through: back) }
                held.removeAll { $0.dueAfter <= number }
            }
            for flow in flows {
                while let count = try? flow.back.receive(into: buffer, info: info) {
                    forward(buffer, count, info.ecn, through: front, to: flow.client)
                    moved += 1
                }
            }
            // Several sockets, and one wait for one: look at the others every millisecond.
            if moved == 0 { _ = SocketPoll.wait(for: .readable, on: front, wakeUp, nanoseconds: 1_000_000) }
        }
    }

    /// The socket that a client's datagrams leave by: each client has its own.
    private func back(
        _ flows: inout [(client: SocketAddress, back: DatagramSocket)], _ remote: UnsafeRawBufferPointer
    ) -> DatagramSocket? {
        guard let client = SocketAddress(bytes: remote) else { return nil }
        if let known = flows.first(where: { $0.client.port == client.port && $0.client.host == client.host }) {
            return known.back
        }
        guard let back = try? DatagramSocket.connected(to: target, Self.plain) else { return nil }
        flows.append((client, back))
        return back
    }

    private func deliver(_ bytes: [UInt8], _ number: Int, through socket: DatagramSocket) {
        state.withLock { $0.delivered.append(number) }
        bytes.withUnsafeBytes {
            _ = socket.send($0, segmentSize: $0.count, ecn: 0, remote: nil, local: nil)
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
