import Glibc
import QrateDatagramProtocol
import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("the shared UDP port", .timeLimit(.minutes(2)), .serialized) struct FlowDoorTests {
    @Test("a hello is answered by an ack of the same length, and so is its repetition")
    func hellos() async throws {
        try await withOffer(streams: 2) { token, port in
            let guest = try Guest(port)
            for _ in 0..<3 {
                let answer = try guest.ask(FlowHello(.hello, flow: 1, token: token).encoded)
                #expect(answer == FlowHello(.ack, flow: 1, token: token).encoded)
            }
        }
    }

    @Test("hellos that are wrong, foreign or second ones from elsewhere are not answered")
    func hostileHellos() async throws {
        try await withOffer(streams: 2) { token, port in
            let guest = try Guest(port)
            let other = try #require(FlowToken([UInt8](repeating: 7, count: 16)))
            var crooked = FlowHello(.hello, flow: 0, token: token).encoded
            crooked[4] = 2
            let wrong: [[UInt8]] = [
                FlowHello(.hello, flow: 0, token: other).encoded, FlowHello(.hello, flow: 2, token: token).encoded,
                FlowHello(.hello, flow: .max, token: token).encoded, FlowHello(.ack, flow: 0, token: token).encoded,
                crooked, FlowHello(.hello, flow: 0, token: token).encoded + [0],
                Array(FlowHello(.hello, flow: 0, token: token).encoded.dropLast()), [0], [0x3f], [],
            ]
            for bytes in wrong { guest.tell(bytes) }
            // The same address as the test's client, but not its host.
            let stranger = try Guest(port, from: "127.0.0.9")
            stranger.tell(FlowHello(.hello, flow: 0, token: token).encoded)
            // Answers come in the order of the questions: the first answer is that to the last.
            let hello = FlowHello(.hello, flow: 0, token: token).encoded
            #expect(try guest.ask(hello) == FlowHello(.ack, flow: 0, token: token).encoded)
            #expect(guest.next() == nil)
            // The flow has its peer: a second one is none.
            let late = try Guest(port)
            late.tell(hello)
            #expect(try guest.ask(hello) == FlowHello(.ack, flow: 0, token: token).encoded)
            #expect(late.next() == nil)
            #expect(stranger.next() == nil)
        }
    }

    @Test(
        "sockets that are made beside the shared one take nothing that others send meanwhile",
        arguments: [AddressFamily.ipv4, .ipv6], [AddressFamily.ipv4, .ipv6])
    func strays(family: AddressFamily, client: AddressFamily) async throws {
        guard family == .ipv6 || client == .ipv4 else { return }
        var options = DatagramSocket.Options()
        options.useCoalescing = false
        options.useSegmentation = false
        let shared = try DatagramSocket.shared(on: .any(family, port: 0), options)
        let port = try shared.localAddress().port
        let strangers = try (0..<8).map { _ in
            try DatagramSocket.connected(to: .loopback(client, port: port), options)
        }
        let perStranger = 1000
        let sending = Task {
            await DedicatedThread.run(name: "test-strangers") {
                for _ in 0..<perStranger {
                    for stranger in strangers { Guest.send([9, 9], stranger) }
                }
            }
        }
        var flows: [DatagramSocket] = []
        let local = SocketAddress.loopback(client, port: port)
        let info = ReceiveInfo()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 16)
        defer { buffer.deallocate() }
        var received = 0
        for number in 0..<400 {
            let peer = try DatagramSocket.connected(to: .loopback(client, port: port), options)
            let remote = mapped(try peer.localAddress(), family)
            let flow = try DatagramSocket.flow(beside: shared, local: mapped(local, family), to: remote, options)
            Guest.send([UInt8(number % 256)], peer)
            flows.append(flow)
            while try shared.receive(into: buffer, info: info) != nil { received += 1 }
        }
        await sending.value
        while try shared.receive(into: buffer, info: info) != nil { received += 1 }
        #expect(received == 8 * perStranger)
        // Each flow has its own peer's one datagram, and no other.
        for (number, flow) in flows.enumerated() {
            #expect(try flow.receive(into: buffer, info: info) == 1)
            #expect(buffer.first == UInt8(number % 256))
            #expect(try flow.receive(into: buffer, info: info) == nil)
        }
    }

    @Test("a port that somebody has is refused, also when its owner would share it")
    func accidentalSharing() throws {
        let first = try DatagramSocket.shared(on: .any(.ipv4, port: 0), .init())
        let port = try first.localAddress().port
        #expect(throws: SocketError.self) { try DatagramSocket.shared(on: .any(.ipv4, port: port), .init()) }
        #expect(throws: SocketError.self) { try DatagramSocket.bound(to: .any(.ipv4, port: port), .init()) }
    }

    @Test("this kernel gives flows their own, on sockets of both IP versions", arguments: [AddressFamily.ipv4, .ipv6])
    func selfTest(family: AddressFamily) { #expect(FlowRouting.works(family)) }

    @Test("flows that start while a QUIC test runs lose none of its packets")
    func quicGoesOn() async throws {
        try await withUDPAndQUICSessions { client, server, door, sessions in
            let transport = QUICTransport(trust: .insecure)
            let quicClient = try await transport.connect(
                to: Endpoint(host: "127.0.0.1", port: door.port), timeout: .seconds(10))
            var arrivals = sessions.makeAsyncIterator()
            let quic = try #require(await arrivals.next())
            let parameters = TestParameters(limit: .bytes(400_000_000))
            let (receiver, offer) = try await quic.offer(DataPlan(role: .server, parameters: parameters))
            let sender = try await quicClient.open(DataPlan(role: .client, parameters: parameters), offer)
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            async let totals = receiver.totalsAtTheEnd()

            // Two flows at a time, again and again while QUIC's packets come.
            var udp = TestParameters(transport: .udp, streams: 2, limit: .bytes(20_000))
            udp.settings.payloadUnit = 1000
            for _ in 0..<20 {
                let (there, here) = try await udpPlanes(udp, client, server)
                here.start(SendJob(plan: DataPlan(role: .client, parameters: udp)))
                let counts = try #require(await there.totalsAtTheEnd())
                // QUIC's packets would be datagrams of implausible numbers, or bytes too many.
                #expect(counts.datagrams?.received == 20)
                #expect(counts.total == 20_000)
            }
            #expect(try #require(await totals).total == 400_000_000)
            guard case .quic(let metrics)? = await sender.sample().path?.metrics else {
                Issue.record("no metrics")
                return
            }
            #expect(metrics.streamPacketsLost == 0)
            await quicClient.close(.done)
        }
    }
}

// MARK: -

/// IPv4 as an IPv6 socket sees it.
private func mapped(_ address: SocketAddress, _ family: AddressFamily) -> SocketAddress {
    guard family == .ipv6, address.family == .ipv4 else { return address }
    var raw = sockaddr_in6()
    raw.sin6_family = sa_family_t(AF_INET6)
    raw.sin6_port = address.port.bigEndian
    withUnsafeMutableBytes(of: &raw.sin6_addr) { target in
        target[10] = 0xff
        target[11] = 0xff
        address.withBytes { target[12...].copyBytes(from: $0[4..<8]) }
    }
    return withUnsafeBytes(of: &raw) { SocketAddress(bytes: $0) } ?? address
}

/// Offers a UDP test on a front door.
private func withOffer(streams: Int, _ body: (FlowToken, UInt16) async throws -> Void) async throws {
    try await withUDPSessions { _, server, door in
        let parameters = TestParameters(transport: .udp, streams: streams)
        let (_, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
        #expect(offer.ports.isEmpty)
        try await body(try #require(offer.token.flatMap { FlowToken(hexadecimal: $0) }), door.port)
    }
}

/// A UDP socket that speaks to a server's port by hand.
final class Guest {
    private let socket: DatagramSocket
    private let wakeUp: WakeUp
    private let info = ReceiveInfo()

    init(_ port: UInt16, from host: String? = nil) throws {
        wakeUp = try WakeUp()
        var options = DatagramSocket.Options()
        options.useCoalescing = false
        var local: SocketAddress?
        if host != nil {
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_addr = in_addr(s_addr: UInt32(0x7f00_0009).bigEndian)
            local = withUnsafeBytes(of: &raw) { SocketAddress(bytes: $0) }
        }
        socket = try DatagramSocket.connected(to: .loopback(.ipv4, port: port), from: local, options)
    }

    static func send(_ bytes: [UInt8], _ socket: DatagramSocket) {
        bytes.withUnsafeBytes { _ = socket.send($0, segmentSize: $0.count, ecn: 0, remote: nil, local: nil) }
    }

    func tell(_ bytes: [UInt8]) { Self.send(bytes, socket) }

    /// Sends, and waits for what comes.
    func ask(_ bytes: [UInt8]) throws -> [UInt8] {
        tell(bytes)
        _ = SocketPoll.wait(for: .readable, on: socket, wakeUp, nanoseconds: 10_000_000_000)
        return try #require(next())
    }

    /// What waits; nil when nothing does.
    func next() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 2048)
        guard let count = buffer.withUnsafeMutableBytes({ try? socket.receive(into: $0, info: info) }) else {
            return nil
        }
        return Array(buffer.prefix(count))
    }
}
