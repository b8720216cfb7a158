import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import QrateTransports
import Testing

@Suite("the QUIC transport on loopback", .timeLimit(.minutes(1))) struct QUICTransportTests {
    @Test("control bytes go both ways, and a close in order is an end, not an error")
    func control() async throws {
        try await withSessions { client, server in
            try await client.control.send(Array("hello\n".utf8))
            #expect(try await server.control.receive() == Array("hello\n".utf8))
            try await server.control.send(Array("hello yourself\n".utf8))
            #expect(try await client.control.receive() == Array("hello yourself\n".utf8))
            await server.close(.done)
            #expect(try await client.control.receive() == nil)
        }
    }

    @Test("a byte budget arrives whole, in each direction", arguments: [Direction.upload, .download], [1, 5])
    func byteBudget(direction: Direction, streams: Int) async throws {
        try await withSessions { client, server in
            let parameters = TestParameters(direction: direction, streams: streams, limit: .bytes(20_000_001))
            let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            let here = try await client.open(DataPlan(role: .client, parameters: parameters), offer)
            let (sender, receiver) = direction == .upload ? (here, there) : (there, here)
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))

            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.total == 20_000_001)
            #expect(totals.measured.count == streams)
            #expect(totals.isComplete)
            #expect(totals.drained == 0)
            let sample = await sender.sample()
            #expect(sample.sent?.reduce(.zero, +) == 20_000_001)
            #expect(sample.sent == totals.measured)
        }
    }

    @Test("both ends send at once on the same streams, and each budget arrives whole", arguments: [1, 5])
    func bidirectional(streams: Int) async throws {
        try await withSessions { client, server in
            let parameters = TestParameters(direction: .bidirectional, streams: streams, limit: .bytes(10_000_001))
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            let job = SendJob(plan: DataPlan(role: .client, parameters: parameters))
            here.start(job)
            there.start(job)
            for (receiver, sender) in [(there, here), (here, there)] {
                var totals: ReceivedTotals?
                var sendersDone = false
                for await event in receiver.events {
                    if case .receiversDone(let counts) = event { totals = counts }
                    if case .sendersDone = event { sendersDone = true }
                    if totals != nil, sendersDone { break }
                }
                #expect(totals?.total == 10_000_001)
                #expect(totals?.isComplete == true)
                #expect(await sender.sample().sent == totals?.measured)
            }
        }
    }

    @Test("a pause stops the sender; the test goes on afterwards, and every byte arrives")
    func pause() async throws {
        try await withSessions { client, server in
            var parameters = TestParameters(streams: 2, limit: .bytes(3_000_001))
            parameters.targetBitrate = Bitrate(bitsPerSecond: 100_000_000)
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            here.setPaused(true)
            there.setPaused(true)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            // A turn of the endpoint's thread between two questions is where it would send.
            for _ in 0..<50 { _ = await here.sample() }
            #expect(await here.sample().sent?.reduce(.zero, +) ?? .zero == .zero)
            var events = there.events.makeAsyncIterator()
            here.setPaused(false)
            there.setPaused(false)
            var totals: ReceivedTotals?
            while let event = await events.next() {
                guard case .receiversDone(let counts) = event else { continue }
                totals = counts
                break
            }
            #expect(totals?.total == 3_000_001)
            #expect(totals?.isComplete == true)
        }
    }

    @Test("a target rate is never exceeded, and said to be paced", arguments: [1, 3])
    func paced(connections: Int) async throws {
        var parameters = TestParameters(streams: 3, limit: .bytes(1_000_000))
        parameters.settings.connections = connections
        parameters.targetBitrate = Bitrate(bitsPerSecond: 40_000_000)
        try await withSessions(for: parameters) { client, server in
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await there.totalsAtTheEnd())
            #expect(totals.total == 1_000_000)
            // 200 ms, less the burst that opens the window.
            #expect(totals.duration ?? .zero > .milliseconds(190))
            #expect(await here.sample().settings.pacingBurst == 5_000)
        }
    }

    @Test("a timed test has rows with exact bounds that add up to its totals")
    func timed() async throws {
        try await withSessions { client, server in
            let parameters = TestParameters(
                limit: .duration(.milliseconds(400)), warmUp: .milliseconds(100), interval: .milliseconds(200))
            let plan = DataPlan(role: .server, parameters: parameters)
            let (receiver, offer) = try await server.offer(plan)
            let sender = try await client.open(DataPlan(role: .client, parameters: parameters), offer)
            sender.start(SendJob(plan: plan))

            var rows: [ReceivedInterval] = []
            var totals: ReceivedTotals?
            for await event in receiver.events {
                if case .interval(let row) = event { rows.append(row) }
                if case .receiversDone(let counts) = event {
                    totals = counts
                    break
                }
            }
            #expect(rows.map(\.end) == [.milliseconds(100), .milliseconds(300), .milliseconds(500)])
            #expect(rows.map(\.isWarmUp) == [true, false, false])
            #expect(totals?.duration == .milliseconds(400))
            #expect(totals?.total == rows.dropFirst().map(\.total).reduce(.zero, +))
            #expect(totals?.warmUp == rows.first?.total)
        }
    }

    @Test("a peer that vanishes in order ends the plane")
    func planeEnds() async throws {
        try await withSessions { client, server in
            let parameters = TestParameters(limit: .duration(.seconds(3600)))
            let (receiver, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            let sender = try await client.open(DataPlan(role: .client, parameters: parameters), offer)
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            for await event in receiver.events {
                guard case .receiving = event else { continue }
                break
            }
            await client.close(.cancelled)
            var failure: TransportError?
            for await event in receiver.events {
                if case .failed(let error) = event { failure = error }
            }
            #expect(failure != nil)
            #expect(await receiver.closeWindow().totals.total > .zero, "the last counts stay readable")
        }
    }

    @Test("nothing listens: the message says so and the kind is unreachable")
    func nothingListens() async throws {
        let door = try FrontDoor.open(port: 0, .init())
        let port = door.port
        _ = consume door  // closed: the port is free again
        let transport = QUICTransport(trust: .insecure)
        let error = await #expect(throws: TransportError.self) {
            try await transport.connect(to: Endpoint(host: "127.0.0.1", port: port), timeout: .seconds(5))
        }
        #expect(error?.kind == .unreachable)
        #expect(error?.message.contains("nothing listens on UDP 127.0.0.1:\(port)") == true)
    }

    @Test("a port that is taken is named, with what to do")
    func portInUse() throws {
        let door = try FrontDoor.open(port: 0, .init())
        let error = #expect(throws: TransportError.self) { try FrontDoor.open(port: door.port, .init()) }
        #expect(error?.message.contains("port \(door.port) is in use") == true)
    }
}

extension ClientTrust {
    static var insecure: ClientTrust { ClientTrust(.insecure, knownServers: KnownServers(file: "/nonexistent")) }
}

extension DataPlane {
    /// Waits for the receiver's totals; nil when the plane fails first.
    func totalsAtTheEnd() async -> ReceivedTotals? {
        for await event in events {
            if case .receiversDone(let totals) = event { return totals }
        }
        return nil
    }
}

/// A listener on a free port and a client connected to it; both are closed afterwards.
///
/// - Parameters:
///   - parameters: The test that the client is made for.
///   - threads: How many of them the server has, and whether the kernel tells their packets apart.
///   - serverProtocols: What the server speaks, where it isn't everything.
func withSessions(
    for parameters: TestParameters = TestParameters(), local: LocalEnd = LocalEnd(), demandsRetry: Bool = false,
    threads: Int = 1, steers: Bool = true, serverProtocols: [String] = QUICTransport.applicationProtocols,
    clientProtocols: [String] = QUICTransport.applicationProtocols,
    _ body: (any TransportSession, any TransportSession) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory()
    let identity = try ServerIdentity.kept(in: directory.path, names: [])
    var options = QUICListener.Options()
    options.demandsRetry = demandsRetry
    options.applicationProtocols = serverProtocols
    let door = try FrontDoor.open(port: 0, threads: threads, steers: steers, .init())
    let listener = try QUICListener(on: door, options) { ServerCredentials(identity) }
    do {
        var transport = try QUICTransport(for: parameters, local: local, trust: .insecure)
        transport.offeredProtocols = clientProtocols
        let client = try await transport.connect(
            to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
        var sessions = listener.sessions.makeAsyncIterator()
        let server = try #require(await sessions.next())
        do {
            try await body(client, server)
        } catch {
            await client.close(.done)
            throw error
        }
        await client.close(.done)
    } catch {
        await listener.close()
        throw error
    }
    await listener.close()
}

/// Both ends' planes for a test, as orchestrators open them.
func openQUICPlanes(
    _ parameters: TestParameters, _ client: any TransportSession, _ server: any TransportSession
) async throws -> (here: any DataPlane, there: any DataPlane) {
    let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
    return (try await client.open(DataPlan(role: .client, parameters: parameters), offer), there)
}

/// Runs a test and gives what each receiver counted: the server's for upload, the client's for download.
func runQUICTest(
    _ parameters: TestParameters, _ client: any TransportSession, _ server: any TransportSession
) async throws -> (upload: ReceivedTotals?, download: ReceivedTotals?) {
    let (here, there) = try await openQUICPlanes(parameters, client, server)
    let job = SendJob(plan: DataPlan(role: .client, parameters: parameters))
    here.start(job)
    there.start(job)
    let upload = parameters.direction.sends(from: .client) ? await there.totalsAtTheEnd() : nil
    let download = parameters.direction.sends(from: .server) ? await here.totalsAtTheEnd() : nil
    return (upload, download)
}
