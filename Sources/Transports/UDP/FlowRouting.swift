import QrateMeasurement
import QrateSockets

/// Finds out, on loopback and a port of its own, whether this kernel can share a UDP port as flows need it.
enum FlowRouting {
    /// How long a datagram may take from one socket to the other on the same host.
    private static let patience = Duration.milliseconds(500)

    static func works(_ family: AddressFamily) -> Bool {
        // An IPv6 socket serves IPv4 clients too.
        let families: [AddressFamily] = family == .ipv6 ? [.ipv6, .ipv4] : [.ipv4]
        return families.allSatisfy { (try? tryOut(family, client: $0)) == true }
    }

    private static func tryOut(_ family: AddressFamily, client: AddressFamily) throws(SocketError) -> Bool {
        let wakeUp = try WakeUp()
        var options = DatagramSocket.Options()
        options.bufferSize = 64 << 10
        options.useCoalescing = false
        let shared = try DatagramSocket.shared(on: .any(family, port: 0), options)
        let port = try shared.localAddress().port
        let own = try DatagramSocket.connected(to: .loopback(client, port: port), options)
        let other = try DatagramSocket.connected(to: .loopback(client, port: port), options)
        let info = ReceiveInfo()
        guard send(1, own), receive(shared, info, wakeUp) == 1, let remote = SocketAddress(bytes: info.remote),
            let local = info.local(port: port).flatMap({ SocketAddress(bytes: $0) })
        else { return false }
        let flow = try DatagramSocket.flow(beside: shared, local: local, to: remote, options)
        return send(2, own) && receive(flow, info, wakeUp) == 2 && send(3, other) && receive(shared, info, wakeUp) == 3
    }

    private static func send(_ byte: UInt8, _ socket: DatagramSocket) -> Bool {
        withUnsafeBytes(of: byte) { socket.send($0, segmentSize: 1, ecn: 0, remote: nil, local: nil) } == .sent
    }

    /// The first byte of the next datagram; nil when none comes.
    private static func receive(_ socket: DatagramSocket, _ info: ReceiveInfo, _ wakeUp: WakeUp) -> UInt8? {
        _ = SocketPoll.wait(for: .readable, on: socket, wakeUp, nanoseconds: patience.nanoseconds)
        var byte: UInt8 = 0
        let count = withUnsafeMutableBytes(of: &byte) { try? socket.receive(into: $0, info: info) }
        return count == 1 ? byte : nil
    }
}
