import Glibc
import QrateSockets
import Testing

@Suite("datagram sockets on loopback") struct DatagramSocketTests {
    @Test("a batch is cut into datagrams, and arrives merged or one by one", arguments: [true, false])
    func segments(merges: Bool) throws {
        var options = DatagramSocket.Options()
        options.useCoalescing = merges
        let (sender, receiver) = try pair(receiving: options)
        try #require(sender.usesSegmentation, "this kernel has no UDP_SEGMENT")
        let payload = (0..<10_500).map { UInt8(truncatingIfNeeded: $0 / 1000) }
        #expect(send(payload, segmentSize: 1000, from: sender) == .sent)

        var received: [UInt8] = []
        var sizes: [Int] = []
        let info = ReceiveInfo()
        while received.count < payload.count, let bytes = try receive(receiver, info) {
            received += bytes
            sizes.append(info.segmentSize ?? bytes.count)
        }
        #expect(received == payload)
        #expect(sizes == (merges ? [1000] : Array(repeating: 1000, count: 10) + [500]))
    }

    @Test("ECN marks cross, and the sender's address is told", arguments: [UInt8(0), 1, 2, 3])
    func marks(ecn: UInt8) throws {
        let (sender, receiver) = try pair()
        let bytes: [UInt8] = [1, 2, 3]
        #expect(send(bytes, segmentSize: 3, ecn: ecn, from: sender) == .sent)
        let info = ReceiveInfo()
        #expect(try receive(receiver, info) == bytes)
        #expect(info.ecn == ecn)
        #expect(SocketAddress(bytes: info.remote)?.port == (try sender.localAddress().port))
        let local = try #require(info.local(port: 7).flatMap { SocketAddress(bytes: $0) })
        #expect("\(local)" == "127.0.0.1:7", "the address that the datagram came to, whatever the socket is bound to")
    }

    @Test("a kernel that refuses to segment in mid-flight says so, and single datagrams still go")
    func refusesSegmentation() throws {
        let (sender, receiver) = try pair()
        // UDP_SEGMENT needs checksums: without them every segmented send fails with EINVAL.
        var off: Int32 = 1
        #expect(setsockopt(sender.descriptor, SOL_SOCKET, SO_NO_CHECK, &off, socklen_t(MemoryLayout<Int32>.size)) == 0)
        #expect(send([UInt8](repeating: 0, count: 2000), segmentSize: 1000, from: sender) == .refused(EINVAL))
        #expect(send([UInt8](repeating: 0, count: 1000), segmentSize: 1000, from: sender) == .sent)
        #expect(try receive(receiver, ReceiveInfo())?.count == 1000)
    }

    @Test("a closed port is learned from the next receive on a connected socket")
    func closedPort() throws {
        let gone = try DatagramSocket.bound(to: .loopback(.ipv4, port: 0), .init())
        let address = try gone.localAddress()
        _ = consume gone
        let socket = try DatagramSocket.connected(to: address, .init())
        #expect(send([1], segmentSize: 1, from: socket) == .sent)
        let error = #expect(throws: SocketError.self) { try receive(socket, ReceiveInfo()) }
        #expect(error?.code == ECONNREFUSED)
    }

    @Test("the buffers that were granted are reported, within the system's limit when asked to stay there")
    func buffers() throws {
        var options = DatagramSocket.Options()
        options.bufferSize = 100_000
        options.mayExceedBufferLimit = false
        let socket = try DatagramSocket.bound(to: .loopback(.ipv4, port: 0), options)
        // The kernel doubles what is asked for, to account for its own overhead.
        #expect(socket.grantedReceiveBuffer == 200_000)
        #expect(socket.grantedSendBuffer == 200_000)
    }

    // MARK: -

    /// A wildcard socket on a free port, and one connected to it over IPv4.
    private func pair(
        receiving options: DatagramSocket.Options = .init()
    ) throws -> (sender: DatagramSocket, receiver: DatagramSocket) {
        let receiver = try DatagramSocket.bound(to: .any(.ipv4, port: 0), options)
        let address = SocketAddress.loopback(.ipv4, port: try receiver.localAddress().port)
        return (try DatagramSocket.connected(to: address, .init()), receiver)
    }

    private func send(
        _ bytes: [UInt8], segmentSize: Int, ecn: UInt8 = 0, from socket: DatagramSocket
    ) -> DatagramSocket.SendResult {
        bytes.withUnsafeBytes { socket.send($0, segmentSize: segmentSize, ecn: ecn, remote: nil, local: nil) }
    }

    /// Waits for datagrams.
    private func receive(_ socket: DatagramSocket, _ info: ReceiveInfo) throws -> [UInt8]? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 8)
        defer { buffer.deallocate() }
        let wakeUp = try WakeUp()
        _ = SocketPoll.wait(for: .readable, on: socket, wakeUp, nanoseconds: 5_000_000_000)
        return try socket.receive(into: buffer, info: info).map { Array(buffer[..<$0]) }
    }
}

@Suite("addresses and ports") struct SocketAddressTests {
    @Test("addresses are written as people write them")
    func descriptions() {
        #expect("\(SocketAddress.loopback(.ipv4, port: 5201))" == "127.0.0.1:5201")
        #expect("\(SocketAddress.loopback(.ipv6, port: 5201))" == "[::1]:5201")
        #expect("\(SocketAddress.any(.ipv6, port: 0))" == "[::]:0")
    }

    @Test("bytes that are no IP address are none", arguments: [0, 1, 15, 16])
    func garbage(count: Int) {
        let bytes = [UInt8](repeating: 0xff, count: count)
        #expect(bytes.withUnsafeBytes { SocketAddress(bytes: $0) } == nil)
    }

    @Test("literals resolve without a name server, a name that can't exist doesn't")
    func resolves() async throws {
        #expect(try await Resolver.resolve("127.0.0.1", port: 7).map { "\($0)" } == ["127.0.0.1:7"])
        #expect(try await Resolver.resolve("::1", port: 7).map { "\($0)" } == ["[::1]:7"])
        await #expect(throws: ResolverError.self) { try await Resolver.resolve("no such host", port: 7) }
    }

    @Test("a probe tells a TCP port that answers")
    func probe() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        #expect(SocketAddress.loopback(.ipv4, port: 0).withSockaddr { bind(listener, $0, $1) } == 0)
        #expect(listen(listener, 1) == 0)
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
        }
        try #require(result == 0)
        #expect(TCPProbe.answers(SocketAddress(storage: storage, length: length), timeout: .seconds(5)))
    }
}

@Suite("sockets that share a port by connection ID") struct SteeredSocketTests {
    /// Who gets a datagram that begins with these bytes.
    private func receiver(of bytes: [UInt8], _ sockets: [DatagramSocket], from: DatagramSocket) throws -> Int? {
        #expect(
            bytes.withUnsafeBytes { from.send($0, segmentSize: $0.count, ecn: 0, remote: nil, local: nil) } == .sent)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 8)
        defer { buffer.deallocate() }
        let info = ReceiveInfo()
        // On loopback a datagram is there once it is sent.
        return try sockets.indices.first { try sockets[$0].receive(into: buffer, info: info) != nil }
    }

    @Test("the first byte of the destination ID chooses the socket, whoever sends it", arguments: [2, 3, 5])
    func steering(count: Int) throws {
        var options = DatagramSocket.Options()
        options.bufferSize = 64 << 10
        let sockets = try DatagramSocket.shared(on: .any(.ipv6, port: 0), count: count, options)
        try #require(sockets.count == count)
        let port = try sockets[0].localAddress().port
        for _ in 0..<3 {  // another source port each time
            let own = try DatagramSocket.connected(to: .loopback(.ipv4, port: port), options)
            for byte: UInt8 in [0, 1, 2, 3, 4, 5, 6, 100, 127, 128, 200, 255] {
                let short: [UInt8] = [0x40, byte, 7, 7, 7, 7, 7, 7, 7, 7]
                let long: [UInt8] = [0xc0, 0, 0, 0, 1, 8, byte, 7, 7, 7, 7, 7, 7, 7, 0]
                let other: [UInt8] = [0x3f, byte, 7, 7, 7, 7, byte, 7]
                #expect(try receiver(of: short, sockets, from: own) == Int(byte) % count)
                #expect(try receiver(of: long, sockets, from: own) == Int(byte) % count)
                #expect(try receiver(of: other, sockets, from: own) == 0, "what isn't QUIC is the first one's")
            }
            for runt: [UInt8] in [[0x40], [0xc0, 0, 0, 0, 1, 8], [0xff], [0]] {
                #expect(try receiver(of: runt, sockets, from: own) == 0)
            }
        }
    }

    @Test("a flow's socket beside them takes its peer's datagrams and nobody else's")
    func flowBeside() throws {
        var options = DatagramSocket.Options()
        options.bufferSize = 64 << 10
        let sockets = try DatagramSocket.shared(on: .any(.ipv6, port: 0), count: 3, options)
        let port = try sockets[0].localAddress().port
        let own = try DatagramSocket.connected(to: .loopback(.ipv4, port: port), options)
        let other = try DatagramSocket.connected(to: .loopback(.ipv4, port: port), options)
        let flow = try DatagramSocket.flow(
            beside: sockets[0], local: SocketAddress.loopback(.ipv4, port: port), to: own.localAddress(), options)
        for byte: UInt8 in 0..<6 {
            #expect(try receiver(of: [0x40, byte, 1, 1, 1, 1, 1, 1, 1, 1], sockets, from: other) == Int(byte) % 3)
            #expect(try receiver(of: [0x40, byte, 1, 1, 1, 1, 1, 1, 1, 1], sockets + [flow], from: own) == 3)
        }
    }
}
