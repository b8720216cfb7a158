import QrateMeasurement
import QrateQUICDriver
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
@testable import QrateTransports
import Testing

@Suite("a QUIC server of several threads", .timeLimit(.minutes(2))) struct EndpointThreadTests {
    private func parameters(_ direction: Direction, connections: Int, streams: Int? = nil) -> TestParameters {
        var parameters = TestParameters(
            direction: direction, streams: streams ?? connections, limit: .bytes(10_000_001))
        parameters.settings.connections = connections
        return parameters
    }

    @Test(
        "a budget arrives whole, whichever thread its packets reach first", arguments: Direction.allCases,
        [true, false])
    func budget(direction: Direction, steers: Bool) async throws {
        let parameters = parameters(direction, connections: 4, streams: 5)
        try await withListener(threads: 3, steers: steers) { listener, _ in
            let (client, server) = try await connect(parameters, listener)
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            let job = SendJob(plan: DataPlan(role: .client, parameters: parameters))
            here.start(job)
            there.start(job)
            for (sender, receiver, sends) in [
                (here, there, direction.sends(from: .client)), (there, here, direction.sends(from: .server)),
            ] where sends {
                let totals = try #require(await receiver.totalsAtTheEnd())
                #expect(totals.total == 10_000_001)
                #expect(totals.isComplete && totals.drained == .zero)
                #expect(totals.measured.count == 5 && !totals.measured.contains(.zero))
                #expect(await sender.sample().sent?.reduce(.zero, +) == 10_000_001)
            }
            #expect(await there.sample().settings.endpointThreads == 3, "the connections were spread")
            #expect(await here.sample().settings.endpointThreads == min(4, Processors.available))
            #expect(listener.handovers.dropped == 0)
            if steers { #expect(listener.handovers.handedOver == 0, "the kernel goes by the same rule") }
            await client.close(.done)
        }
    }

    @Test("a client behind a NAT that forgets its mapping stays on its threads", arguments: [true, false])
    func rebinding(steers: Bool) async throws {
        var parameters = parameters(.upload, connections: 3)
        parameters.interval = .milliseconds(20)
        parameters.targetBitrate = Bitrate(bitsPerSecond: 100_000_000)
        try await withListener(threads: 2, steers: steers) { listener, _ in
            let relay = try DatagramRelay(to: .loopback(.ipv4, port: listener.port))
            defer { relay.stop() }
            let (client, server) = try await connect(parameters, listener, port: relay.address.port)
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            var totals: ReceivedTotals?
            for await event in there.events {
                switch event {
                case .interval: relay.rebind()
                case .receiversDone(let counts): totals = counts
                default: break
                }
                if totals != nil { break }
            }
            #expect(totals?.total == 10_000_001)
            #expect(totals?.isComplete == true)
            if steers { #expect(listener.handovers.handedOver == 0) }
            await client.close(.done)
        }
    }

    @Test("every client must prove its address, and comes back to where it was told", arguments: [true, false])
    func withRetry(steers: Bool) async throws {
        for _ in 0..<4 {
            let parameters = parameters(.download, connections: 2)
            try await withSessions(for: parameters, demandsRetry: true, threads: 4, steers: steers) { client, server in
                let totals = try await runQUICTest(parameters, client, server)
                #expect(totals.download?.total == 10_000_001)
            }
        }
    }

    @Test("an ID that is nobody's is reset once, wherever its packet arrives", arguments: [true, false])
    func strays(steers: Bool) async throws {
        try await withListener(threads: 3, steers: steers) { listener, _ in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 8)
            defer { buffer.deallocate() }
            let info = ReceiveInfo()
            let wakeUp = try WakeUp()
            for byte: UInt8 in 0..<12 {
                var options = DatagramSocket.Options()
                options.useCoalescing = false
                let stranger = try DatagramSocket.connected(to: .loopback(.ipv4, port: listener.port), options)
                let packet = [0x40, byte] + [UInt8](repeating: 9, count: 98)
                for _ in 0..<2 {
                    _ = packet.withUnsafeBytes {
                        stranger.send($0, segmentSize: $0.count, ecn: 0, remote: nil, local: nil)
                    }
                    _ = SocketPoll.wait(for: .readable, on: stranger, wakeUp, nanoseconds: 10_000_000_000)
                    let count = try stranger.receive(into: buffer, info: info)
                    #expect((21...44).contains(try #require(count)))
                    #expect(try stranger.receive(into: buffer, info: info) == nil, "one answer")
                }
            }
        }
    }

    @Test("the limit of connections holds for all threads together")
    func limit() async throws {
        try await withListener(threads: 3, steers: false, configure: { $0.connectionLimit = 3 }) { listener, _ in
            let transport = QUICTransport(trust: .insecure)
            let server = Endpoint(host: "127.0.0.1", port: listener.port)
            var clients: [any TransportSession] = []
            for _ in 0..<3 { clients.append(try await transport.connect(to: server, timeout: .seconds(10))) }
            await #expect(throws: TransportError.self) {
                try await transport.connect(to: server, timeout: .milliseconds(300))
            }
            for client in clients { await client.close(.done) }
            // Their closing periods pass.
            let next = try await transport.connect(to: server, timeout: .seconds(10))
            await next.close(.done)
        }
    }

    @Test("a token's place is taken once, on whichever thread it is shown")
    func usedToken() async throws {
        let parameters = parameters(.upload, connections: 2)
        let plan = DataPlan(role: .client, parameters: parameters)
        try await withListener(threads: 4, steers: false) { listener, _ in
            let (client, server) = try await connect(parameters, listener)
            let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            let here = try await client.open(plan, offer)
            let (thief, _) = try await connect(parameters, listener)
            await #expect(throws: TransportError.self) { try await thief.open(plan, offer) }
            here.start(SendJob(plan: plan))
            #expect(await there.totalsAtTheEnd()?.total == 10_000_001)
            await thief.close(.done)
            await client.close(.done)
        }
    }

    @Test("a client's thread that dies fails the test at both ends, and disturbs nobody else")
    func deadThread() async throws {
        // With one processor all of a client's connections are on one thread.
        guard Processors.available > 1 else { return }
        var endless = parameters(.upload, connections: 4)
        endless.limit = .duration(.seconds(3600))
        try await withListener(threads: 2) { listener, _ in
            let (client, server) = try await connect(endless, listener)
            let (here, there) = try await openQUICPlanes(endless, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: endless)))
            for await event in there.events {
                if case .receiving = event { break }
            }
            let session = try #require(client as? QUICSession)
            guard case .client(let dialer) = session.side else { throw Mismatch() }
            try #require(dialer.further.all.first).cancel()
            var failure: TransportError?
            for await event in there.events {
                if case .failed(let error) = event { failure = error }
            }
            #expect(failure?.message == "the peer is shutting down")
            #expect(await there.closeWindow().totals.total > .zero, "the last counts stay readable")
            await client.close(.cancelled)

            let parameters = parameters(.download, connections: 4)
            let (next, nextServer) = try await connect(parameters, listener)
            #expect(try await runQUICTest(parameters, next, nextServer).download?.total == 10_000_001)
            await next.close(.done)
        }
    }

    @Test("a pause stops all connections, and its time counts for nobody")
    func pause() async throws {
        var parameters = parameters(.upload, connections: 3)
        parameters.limit = .duration(.milliseconds(300))
        parameters.interval = .milliseconds(100)
        try await withSessions(for: parameters, threads: 2) { client, server in
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            var rows: [ReceivedInterval] = []
            var totals: ReceivedTotals?
            for await event in there.events {
                switch event {
                case .interval(let row):
                    rows.append(row)
                    guard rows.count == 1 else { break }
                    here.setPaused(true)
                    there.setPaused(true)
                    _ = await there.sample()
                    here.setPaused(false)
                    there.setPaused(false)
                case .receiversDone(let counts): totals = counts
                default: break
                }
                if totals != nil { break }
            }
            #expect(rows.map(\.end) == [.milliseconds(100), .milliseconds(200), .milliseconds(300)])
            #expect(totals?.total == rows.map(\.total).reduce(.zero, +))
            #expect(totals?.isComplete == true)
        }
    }

    @Test("a server that stops ends the connections of all its threads")
    func stopping() async throws {
        var parameters = parameters(.download, connections: 4)
        parameters.limit = .duration(.seconds(3600))
        try await withListener(threads: 3) { listener, _ in
            let (client, server) = try await connect(parameters, listener)
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            there.start(SendJob(plan: DataPlan(role: .server, parameters: parameters)))
            for await event in here.events {
                if case .receiving = event { break }
            }
            await listener.close()
            var failure: TransportError?
            for await event in here.events {
                if case .failed(let error) = event { failure = error }
            }
            #expect(failure != nil)
            #expect(await here.closeWindow().totals.total > .zero)
            await client.close(.done)
        }
    }

    @Test("sockets that a client opens beside its first take the ports that follow the one it was told to use")
    func localPorts() async throws {
        guard Processors.available > 1 else { return }
        let parameters = parameters(.upload, connections: 2)
        var local = LocalEnd()
        // Two free ports in a row, which nobody else takes in between.
        var taken: [DatagramSocket] = []
        while local.port == nil {
            let one = try DatagramSocket.bound(to: .any(.ipv4, port: 0), .init())
            let port = try one.localAddress().port
            taken.append(one)
            guard port < .max, let two = try? DatagramSocket.bound(to: .any(.ipv4, port: port + 1), .init()) else {
                continue
            }
            taken.removeLast()
            _ = consume two
            local.port = port
        }
        try await withSessions(for: parameters, local: local, threads: 2) { [local] client, server in
            #expect(server.peer.address == "127.0.0.1:\(local.port ?? 0)")
            let totals = try await runQUICTest(parameters, client, server)
            #expect(totals.upload?.total == 10_000_001)
            let session = try #require(client as? QUICSession)
            guard case .client(let dialer) = session.side else { throw Mismatch() }
            #expect(try dialer.further.all.map { try $0.socket.localAddress().port } == [(local.port ?? 0) + 1])
        }
    }

    // MARK: -

    private struct Mismatch: Error {}

    private func connect(
        _ parameters: TestParameters, _ listener: QUICListener, port: UInt16? = nil
    ) async throws -> (client: any TransportSession, server: any TransportSession) {
        let client = try await QUICTransport(for: parameters, trust: .insecure)
            .connect(to: Endpoint(host: "127.0.0.1", port: port ?? listener.port), timeout: .seconds(10))
        var sessions = listener.sessions.makeAsyncIterator()
        return (client, try #require(await sessions.next()))
    }

    private func withListener(
        threads: Int, steers: Bool = true, configure: (inout QUICListener.Options) -> Void = { _ in },
        _ body: (QUICListener, FrontDoor) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let identity = try ServerIdentity.kept(in: directory.path, names: [])
        let door = try FrontDoor.open(port: 0, threads: threads, steers: steers, .init())
        var options = QUICListener.Options()
        configure(&options)
        let listener = try QUICListener(on: door, options) { ServerCredentials(identity) }
        try #require(listener.threads == threads)
        do {
            try await body(listener, door)
        } catch {
            await listener.close()
            throw error
        }
        await listener.close()
    }
}
