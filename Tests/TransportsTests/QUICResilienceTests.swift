import Glibc
import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import QrateTransports
import Testing

@Suite("the QUIC transport on a path that changes", .timeLimit(.minutes(1))) struct QUICResilienceTests {
    @Test("a NAT that forgets its mapping costs nothing: the server follows the client to its new port")
    func rebinding() async throws {
        try await withListener { listener, _ in
            let relay = try DatagramRelay(to: .loopback(.ipv4, port: listener.port))
            defer { relay.stop() }
            let parameters = TestParameters(limit: .bytes(5_000_000))
            let totals = try await transfer(parameters, listener, port: relay.address.port) { relay.rebind() }
            #expect(totals?.total == 5_000_000)
            #expect(totals?.isComplete == true)
        }
    }

    @Test("a kernel that stops segmenting in mid-flight costs the offload, not the test")
    func segmentationRefused() async throws {
        try await withListener { listener, door in
            try #require(door.datagrams.usesSegmentation)
            let parameters = TestParameters(direction: .download, limit: .bytes(20_000_000))
            let totals = try await transfer(parameters, listener, port: listener.port) {
                var off: Int32 = 1  // without checksums every segmented send fails with EINVAL
                setsockopt(
                    door.datagrams.descriptor, SOL_SOCKET, SO_NO_CHECK, &off, socklen_t(MemoryLayout<Int32>.size))
            }
            #expect(totals?.total == 20_000_000)
            #expect(!door.datagrams.usesSegmentation, "and the report will say that it is off")
        }
    }

    @Test("without offloads every byte arrives, too")
    func noOffloads() async throws {
        var options = DatagramSocket.Options()
        options.useSegmentation = false
        options.useCoalescing = false
        try await withListener(options) { listener, _ in
            let totals = try await transfer(
                TestParameters(streams: 3, limit: .bytes(5_000_000)), listener, port: listener.port)
            #expect(totals?.total == 5_000_000)
        }
    }

    @Test("garbage, foreign versions and strays get no answer larger than themselves, and disturb nobody")
    func garbage() async throws {
        try await withListener { listener, _ in
            let stranger = try DatagramSocket.connected(to: .loopback(.ipv4, port: listener.port), .init())
            var random = SplitMix64(seed: 7)
            let parameters = TestParameters(limit: .bytes(5_000_000))
            let totals = try await transfer(parameters, listener, port: listener.port) {
                for size in 1...1400 {
                    var bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                    if size % 3 == 0 { bytes[0] = 0x43 }  // a short header: of no connection
                    _ = bytes.withUnsafeBytes {
                        stranger.send($0, segmentSize: size, ecn: 0, remote: nil, local: nil)
                    }
                }
            }
            #expect(totals?.total == 5_000_000)

            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 8)
            defer { buffer.deallocate() }
            let info = ReceiveInfo()
            var resets = 0
            while let count = try stranger.receive(into: buffer, info: info) {
                let size = info.segmentSize ?? count
                // Version Negotiation repeats both IDs, and answers datagrams of 1200 bytes and more only.
                let isVersionNegotiation = buffer[0] & 0x80 != 0
                #expect(size <= (isVersionNegotiation ? 1199 : 44))
                resets += isVersionNegotiation ? 0 : 1
            }
            #expect(resets > 0, "unknown connections are told so")
        }
    }

    // MARK: -

    /// Runs one test; `disturb` is called once payload has begun to arrive.
    private func transfer(
        _ parameters: TestParameters, _ listener: QUICListener, port: UInt16, disturb: () -> Void = {}
    ) async throws -> ReceivedTotals? {
        let client = try await QUICTransport(trust: .insecure)
            .connect(to: Endpoint(host: "127.0.0.1", port: port), timeout: .seconds(10))
        var sessions = listener.sessions.makeAsyncIterator()
        let server = try #require(await sessions.next())
        let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
        let here = try await client.open(DataPlan(role: .client, parameters: parameters), offer)
        let (sender, receiver) = parameters.direction == .upload ? (here, there) : (there, here)
        sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
        var totals: ReceivedTotals?
        for await event in receiver.events {
            if case .receiving = event { disturb() }
            guard case .receiversDone(let counts) = event else { continue }
            totals = counts
            break
        }
        await client.close(.done)
        return totals
    }

    private func withListener(
        _ options: DatagramSocket.Options = .init(), _ body: (QUICListener, FrontDoor) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let identity = try ServerIdentity.kept(in: directory.path, names: [])
        let door = try FrontDoor.open(port: 0, options)
        let listener = try QUICListener(on: door, .init()) { ServerCredentials(identity) }
        do {
            try await body(listener, door)
        } catch {
            await listener.close()
            throw error
        }
        await listener.close()
    }
}
