import Glibc
import QrateMeasurement
import QrateSockets
import Testing

@Suite("stream sockets on loopback") struct StreamSocketTests {
    @Test("bytes cross, and an end in order comes after them", arguments: [AddressFamily.ipv4, .ipv6])
    func bytes(family: AddressFamily) throws {
        let (client, server) = try pair(family)
        #expect(try client.write([1, 2, 3]) == .bytes(3))
        client.finishWriting()
        #expect(try server.waitAndRead() == [1, 2, 3])
        #expect(try server.waitAndRead() == [])
        #expect(client.remote.port == server.local.port)
        #expect(client.local.port == server.remote.port)
        #expect(server.remote.host == client.local.host)
    }

    @Test("an IPv4 client of a listener for everybody is known by its IPv4 address")
    func mapped() throws {
        let listener = try StreamListenerSocket.everywhere(port: 0)
        let client = try connect(to: .loopback(.ipv4, port: listener.port))
        let server = try accept(from: listener)
        #expect(server.remote.host == "127.0.0.1")
        #expect(server.remote.isIPv4Mapped == (listener.family == .ipv6))
        #expect(!client.remote.isIPv4Mapped)
    }

    @Test("a look at the first byte leaves it there")
    func peek() throws {
        let (client, server) = try pair()
        var byte: UInt8 = 0
        #expect(try withUnsafeMutableBytes(of: &byte) { try server.peek(into: $0) } == .wouldBlock)
        #expect(try client.write([7, 8]) == .bytes(2))
        server.wait(for: .readable)
        #expect(try withUnsafeMutableBytes(of: &byte) { try server.peek(into: $0) } == .bytes(1))
        #expect(byte == 7)
        #expect(try server.waitAndRead() == [7, 8])
    }

    @Test("a reset drops what is unread at the peer's, wakes who waits here, and leaves the descriptor open")
    func reset() throws {
        let (client, server) = try pair()
        client.reset()
        server.wait(for: .readable)
        let error = #expect(throws: SocketError.self) { try server.waitAndRead() }
        #expect(error?.code == ECONNRESET)
        #expect(client.wait(for: .readable).contains(.readable))
        #expect(fcntl(client.descriptor, F_GETFD) >= 0)
    }

    @Test("what was written and not acknowledged is told")
    func unacknowledged() throws {
        let (client, server) = try pair()
        let block = [UInt8](repeating: 1, count: 100_000)
        var written = 0
        while case .bytes(let count) = try client.write(block) { written += count }
        let waiting = try #require(client.unacknowledged)
        #expect(waiting > 0)
        #expect(waiting <= written)
        var received = 0
        while received < written { received += try server.waitAndRead().count }
        #expect(received == written)
    }

    @Test("a file in memory is sent like its bytes, and received bytes can be thrown away unseen")
    func memoryFile() throws {
        let (client, server) = try pair()
        let file = try [UInt8](arrayLiteral: 5, 6, 7, 8).withUnsafeBytes { try MemoryFile($0) }
        #expect(try client.write(file, count: 3) == .bytes(3))
        #expect(try server.waitAndRead() == [5, 6, 7])
        #expect(try client.write(file, count: 100) == .bytes(4))
        server.wait(for: .readable)
        #expect(try server.discard(most: 3) == .bytes(3))
        #expect(try server.waitAndRead() == [8])
    }

    @Test("options reach the kernel")
    func options() throws {
        var options = StreamOptions()
        options.bufferSize = 100_000
        options.congestionController = "reno"
        options.typeOfService = 0x28
        options.maxSegmentSize = 1000
        options.sendsWithoutDelay = true
        options.pacingRate = 1_000_000_000
        let (client, server) = try pair(options: options)
        #expect(client.sendBuffer == 200_000)
        #expect(client.receiveBuffer == 200_000)
        #expect(client.congestionController == "reno")
        #expect(client.typeOfService == 0x28)
        #expect(client.sendsWithoutDelay == true)
        let segment = try #require(client.maxSegmentSize)
        #expect(segment <= 1000)
        // The peer was told, and keeps to it.
        #expect(try #require(server.maxSegmentSize) <= 1000)
        #expect(server.sendsWithoutDelay == false)
        #expect(!client.usesMultipath)
    }

    @Test("MPTCP is in use where both ends have it, and told from a fall-back")
    func multipath() throws {
        var options = StreamOptions()
        options.usesMultipath = true
        let listener = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0), options)
        let plain = try connect(to: listener.local)
        #expect(!(try accept(from: listener)).usesMultipath)
        #expect(!plain.usesMultipath)
        let several = try connect(to: listener.local, options)
        let server = try accept(from: listener)
        #expect(several.usesMultipath == server.usesMultipath)
        let alone = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0))
        #expect(!(try connect(to: alone.local, options)).usesMultipath)
    }

    @Test("the kernel's view of a connection that has moved something is plausible")
    func info() throws {
        let (client, server) = try pair()
        #expect(try client.write([UInt8](repeating: 0, count: 50_000)) == .bytes(50_000))
        var received = 0
        while received < 50_000 { received += try server.waitAndRead().count }
        let info = try #require(client.info)
        let rtt = try #require(info.smoothedRTT)
        #expect(rtt > .zero && rtt < .seconds(1))
        #expect(try #require(info.minRTT) < .seconds(1))
        #expect(try #require(info.congestionWindowSegments) >= 1)
        #expect(try #require(info.segmentSize) > 500)
        #expect(info.retransmissions != nil)
        #expect(info.busyTime != nil)
    }

    @Test("where nothing listens, the error says so")
    func refused() throws {
        let port = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0)).port
        let error = #expect(throws: SocketError.self) { try connect(to: .loopback(.ipv4, port: port)) }
        #expect(error?.code == ECONNREFUSED)
        #expect(error?.isPeerUnreachable == true)
    }

    @Test("connecting gives up at its deadline, and when it is stopped")
    func givesUp() throws {
        let (full, kept) = try SilentListener.make()
        let late = #expect(throws: SocketError.self) {
            try StreamSocket.connect(to: full.address, deadline: MonotonicClock.now(), StopSignal())
        }
        #expect(late?.code == ETIMEDOUT)
        let stop = try StopSignal()
        stop.raise()
        let stopped = #expect(throws: SocketError.self) {
            try StreamSocket.connect(to: full.address, deadline: .never, stop)
        }
        #expect(stopped?.code == ECANCELED)
        withExtendedLifetime(kept) {}
    }

    @Test("a connection begins where it is told to")
    func local() throws {
        let listener = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0))
        let port = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0)).port
        let client = try StreamSocket.connect(
            to: listener.local, from: .loopback(.ipv4, port: port), deadline: .never, StopSignal())
        #expect(client.local.port == port)
        #expect(try accept(from: listener).remote.port == port)
    }

    @Test("a port that is listened on can't be had a second time")
    func taken() throws {
        let listener = try StreamListenerSocket.everywhere(port: 0)
        let error = #expect(throws: SocketError.self) { try StreamListenerSocket.everywhere(port: listener.port) }
        #expect(error?.code == EADDRINUSE)
    }

    @Test("the kernel's congestion controllers are listed, and others refused")
    func congestionControllers() {
        #expect(CongestionControl.available.contains("reno"))  // Linux always has it
        #expect(CongestionControl.refusal(of: "reno") == nil)
        #expect(CongestionControl.refusal(of: "no such one")?.code == ENOENT)
        #expect(CongestionControl.refusal(of: String(repeating: "x", count: 100))?.code == ENOENT)
        #expect(CongestionControl.refusal(of: "reno\0x")?.code == ENOENT)
    }

    // MARK: -

    private func pair(
        _ family: AddressFamily = .ipv4, options: StreamOptions = StreamOptions()
    ) throws -> (client: StreamSocket, server: StreamSocket) {
        let listener = try StreamListenerSocket.listening(on: .loopback(family, port: 0))
        let client = try connect(to: listener.local, options)
        return (client, try accept(from: listener))
    }

    private func connect(to address: SocketAddress, _ options: StreamOptions = .init()) throws -> StreamSocket {
        try StreamSocket.connect(
            to: address, options, deadline: MonotonicClock.now() + .seconds(10), StopSignal())
    }

    private func accept(from listener: StreamListenerSocket) throws -> StreamSocket {
        var entries = [StreamPoll.Entry(listener.descriptor, .readable)]
        StreamPoll.wait(for: &entries, try WakeUp(), nanoseconds: 10_000_000_000)
        return try #require(try listener.accept())
    }
}

/// A port whose connections are neither accepted nor refused: its queue is full.
private struct SilentListener {
    let address: SocketAddress

    static func make() throws -> (SilentListener, [StreamSocket]) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let any = SocketAddress.loopback(.ipv4, port: 0)
        try #require(any.withSockaddr { bind(descriptor, $0, $1) } == 0)
        try #require(listen(descriptor, 0) == 0)
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        try #require(result == 0)
        let address = SocketAddress(storage: storage, length: length)
        // One fits into a queue of length 0. The listener stays open to the process's end.
        let first = try StreamSocket.connect(
            to: address, deadline: MonotonicClock.now() + .seconds(10), StopSignal())
        return (SilentListener(address: address), [first])
    }
}

extension StreamSocket {
    func write(_ bytes: [UInt8]) throws -> Outcome { try bytes.withUnsafeBytes { try write($0) } }

    @discardableResult
    func wait(for interest: SocketPoll.Ready) -> SocketPoll.Ready {
        guard let stop = try? StopSignal() else { return [] }
        return StreamPoll.wait(for: interest, on: descriptor, stop, nanoseconds: 10_000_000_000)
    }

    /// What comes next; nothing at the end.
    func waitAndRead() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let outcome = try buffer.withUnsafeMutableBytes { try read(into: $0) }
            if case .bytes(let count) = outcome { return Array(buffer.prefix(count)) }
            try #require(!wait(for: .readable).isEmpty, "nothing came within 10 s")
        }
    }
}
