import QrateMeasurement
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
@testable import QrateTransports
import Testing

@Suite("data connections of a test's own", .timeLimit(.minutes(1))) struct DataConnectionTests {
    private func parameters(
        _ direction: Direction, streams: Int, connections: Int,
        _ configure: (inout TransportSettings) -> Void = { _ in }
    ) -> TestParameters {
        var parameters = TestParameters(direction: direction, streams: streams, limit: .bytes(10_000_001))
        parameters.settings.connections = connections
        configure(&parameters.settings)
        return parameters
    }

    @Test(
        "a budget arrives whole over several connections", arguments: Direction.allCases,
        [(2, 2), (5, 2), (7, 4)] as [(Int, Int)])
    func budget(direction: Direction, shape: (streams: Int, connections: Int)) async throws {
        let parameters = parameters(direction, streams: shape.streams, connections: shape.connections)
        try await withSessions(for: parameters) { client, server in
            let totals = try await runQUICTest(parameters, client, server)
            #expect((totals.upload != nil) == direction.sends(from: .client))
            for counts in [totals.upload, totals.download].compactMap(\.self) {
                #expect(counts.total == 10_000_001)
                #expect(counts.isComplete && counts.drained == 0)
                // Whose turn comes first may take more of it; none is promised a share.
                #expect(counts.measured.count == shape.streams)
            }
        }
    }

    @Test("one that every client must prove its address for knows them by their token")
    func withRetry() async throws {
        let parameters = parameters(.download, streams: 2, connections: 2)
        try await withSessions(for: parameters, demandsRetry: true) { client, server in
            let totals = try await runQUICTest(parameters, client, server)
            #expect(totals.download?.total == 10_000_001)
        }
    }

    @Test("rows over several connections have exact bounds and add up")
    func rows() async throws {
        var parameters = parameters(.upload, streams: 4, connections: 3)
        parameters.limit = .duration(.milliseconds(300))
        parameters.interval = .milliseconds(100)
        try await withSessions(for: parameters) { client, server in
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            var rows: [ReceivedInterval] = []
            var totals: ReceivedTotals?
            for await event in there.events {
                if case .interval(let row) = event { rows.append(row) }
                guard case .receiversDone(let counts) = event else { continue }
                totals = counts
                break
            }
            #expect(rows.map(\.end) == [.milliseconds(100), .milliseconds(200), .milliseconds(300)])
            #expect(totals?.total == rows.map(\.total).reduce(.zero, +))
            #expect(totals?.measured.contains(.zero) == false)
            let sample = await here.sample()
            #expect(sample.sent?.count == 4)
            #expect(sample.sent?.reduce(.zero, +) == (totals?.total ?? .zero) + (totals?.drained ?? .zero))
        }
    }

    // MARK: Settings of the server

    @Test("what the server sends with is what the test asked for")
    func serverSends() async throws {
        let parameters = parameters(.download, streams: 1, connections: 1) {
            $0.congestionController = "reno"
            $0.maxDatagram = .bytes(8000)
            $0.typeOfService = 0xb9
        }
        try await withSessions(for: parameters) { client, server in
            let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            #expect(offer.connectionToken != nil)
            #expect(await there.sample().settings.congestionController == "reno", "known before they are there")
            let here = try await client.open(DataPlan(role: .client, parameters: parameters), offer)
            there.start(SendJob(plan: DataPlan(role: .server, parameters: parameters)))
            #expect(await here.totalsAtTheEnd()?.total == 10_000_001)
            let settings = await there.sample().settings
            #expect(settings.maxUDPPayload == 8000)
            #expect(settings.typeOfService == 0xb8)
            #expect(settings.flowControlWindow == nil, "it receives nothing")
        }
    }

    @Test("what the server receives with is what the test asked for")
    func serverReceives() async throws {
        let parameters = parameters(.upload, streams: 1, connections: 1) { $0.window = 100_000 }
        try await withSessions(for: parameters) { client, server in
            let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            #expect(offer.connectionToken != nil)
            let here = try await client.open(DataPlan(role: .client, parameters: parameters), offer)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            #expect(await there.totalsAtTheEnd()?.total == 10_000_001)
            #expect(await there.sample().settings.flowControlWindow == 100_000)
        }
    }

    @Test("what only the client does with needs no further connection")
    func clientOnly() async throws {
        let parameters = parameters(.upload, streams: 1, connections: 1) {
            $0.congestionController = "bbr2"
            $0.maxDatagram = .interface
            $0.typeOfService = 0x20
        }
        try await withSessions(for: parameters) { client, server in
            let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            #expect(offer.connectionToken == nil)
            let here = try await client.open(DataPlan(role: .client, parameters: parameters), offer)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            #expect(await there.totalsAtTheEnd()?.total == 10_000_001)
            let settings = await here.sample().settings
            #expect(settings.congestionController == "bbr2")
            #expect(settings.maxUDPPayload == 65_487, "the loopback interface takes 65536, a batch so many")
            #expect(settings.typeOfService == 0x20)
        }
    }

    // MARK: Datagrams

    @Test(
        "payload in datagrams: each is counted once or missing, and the end says how many there were",
        arguments: Direction.allCases, [1, 2])
    func datagrams(direction: Direction, connections: Int) async throws {
        var parameters = parameters(direction, streams: connections, connections: connections) {
            $0.usesDatagrams = true
            $0.payloadUnit = 1000
        }
        parameters.limit = .bytes(4_000_000)
        parameters.targetBitrate = Bitrate(bitsPerSecond: 200_000_000)
        try await withSessions(for: parameters) { client, server in
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            let job = SendJob(plan: DataPlan(role: .client, parameters: parameters))
            here.start(job)
            there.start(job)
            for (sender, receiver, sends) in [
                (here, there, direction.sends(from: .client)), (there, here, direction.sends(from: .server)),
            ] where sends {
                let totals = try #require(await receiver.totalsAtTheEnd())
                let report = try #require(totals.datagrams)
                #expect(report.received + UInt64(report.lost) == 4000)
                #expect(report.duplicates == 0)
                #expect(totals.total + totals.drained == ByteCount(report.received * 1000))
                #expect(totals.isComplete)
                let sample = await sender.sample()
                #expect(sample.sent?.reduce(.zero, +) == 4_000_000)
                #expect(sample.sent?.count == connections)
                #expect(sample.settings.payloadUnit == 1000)
            }
        }
    }

    @Test("rows of datagrams add up to the totals")
    func datagramRows() async throws {
        var parameters = parameters(.download, streams: 1, connections: 1) { $0.usesDatagrams = true }
        parameters.limit = .duration(.milliseconds(300))
        parameters.interval = .milliseconds(100)
        parameters.targetBitrate = Bitrate(bitsPerSecond: 50_000_000)
        try await withSessions(for: parameters) { client, server in
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            there.start(SendJob(plan: DataPlan(role: .server, parameters: parameters)))
            var rows: [ReceivedInterval] = []
            var totals: ReceivedTotals?
            for await event in here.events {
                if case .interval(let row) = event { rows.append(row) }
                guard case .receiversDone(let counts) = event else { continue }
                totals = counts
                break
            }
            #expect(rows.count == 3 && rows.last?.end == .milliseconds(300))
            #expect(totals?.total == rows.map(\.total).reduce(.zero, +))
            let received = rows.reduce(0) { $0 + ($1.datagrams?.received ?? 0) }
            #expect(received > 0)
            #expect(totals?.datagrams?.received ?? 0 >= received)
        }
    }

    // MARK: Refusals

    @Test("what can't be is refused in words: before anything at the client, with the offer at the server")
    func refusals() async throws {
        let wrong: [(TestParameters, String)] = [
            (
                parameters(.upload, streams: 1, connections: 1) { $0.congestionController = "vegas" },
                "QUIC has no congestion controller \"vegas\": it has cubic, reno, bbr, bbr2"
            ),
            (
                parameters(.upload, streams: 2, connections: 3),
                "2 streams can't be spread over 3 connections: use as many with -P at least"
            ),
            (parameters(.upload, streams: 100, connections: 65), "65 connections are out of range: 1 to 64"),
            (parameters(.upload, streams: 1, connections: 0), "0 connections are out of range: 1 to 64"),
            (
                parameters(.upload, streams: 1, connections: 1) { $0.maxDatagram = .bytes(1199) },
                "datagrams of 1199 bytes are out of range: 1200 to 65487 over QUIC"
            ),
            (
                parameters(.upload, streams: 1, connections: 1) { $0.window = 100 },
                "a flow-control window of 100 bytes is out of range: 16384 to 268435456 over QUIC"
            ),
            (
                parameters(.upload, streams: 1, connections: 1) { $0.usesZeroCopy = true },
                "QUIC tests have no zero-copy mode"
            ),
            (
                parameters(.upload, streams: 2, connections: 1) { $0.usesDatagrams = true },
                "QUIC datagrams have one flow per connection: 2 streams need as many connections, not 1"
            ),
            (
                parameters(.upload, streams: 1, connections: 1) {
                    $0.usesDatagrams = true
                    $0.payloadUnit = 1407
                }, "QUIC datagrams of 1407 bytes are out of range: 16 to 1406 without --max-datagram"
            ),
        ]
        try await withSessions { _, server in
            for (parameters, message) in wrong {
                let here = #expect(throws: TransportError.self) { try QUICTransport(for: parameters, trust: .insecure) }
                #expect(here == TransportError(.usage, message))
                let there = await #expect(throws: TransportError.self) {
                    try await server.offer(DataPlan(role: .server, parameters: parameters))
                }
                #expect(there == TransportError(.refused, message))
            }
        }
    }

    // MARK: Tokens

    @Test("a forged, a malformed and a used-up token come to nothing, and the session lives on")
    func badTokens() async throws {
        let parameters = parameters(.upload, streams: 2, connections: 2)
        let plan = DataPlan(role: .client, parameters: parameters)
        try await withSessions(for: parameters) { client, server in
            let error = await #expect(throws: TransportError.self) {
                try await client.open(plan, DataOffer(connectionToken: String(repeating: "5", count: 48)))
            }
            #expect(error?.message.contains("refused a data connection") == true)
            #expect(error?.code == 0x0b)
            let malformed = await #expect(throws: TransportError.self) {
                try await client.open(plan, DataOffer(connectionToken: "zz"))
            }
            #expect(malformed?.kind == .protocolError)
            try await client.control.send([1])
            #expect(try await server.control.receive() == [1])
        }
        try await withSessions(for: parameters) { client, server in
            let (_, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            _ = try await client.open(plan, offer)
            let transport = try QUICTransport(for: parameters, trust: .insecure)
            let port = try #require(client.peer.address.split(separator: ":").last.flatMap { UInt16($0) })
            let thief = try await transport.connect(
                to: Endpoint(host: "127.0.0.1", port: port), timeout: .seconds(10))
            await #expect(throws: TransportError.self) { try await thief.open(plan, offer) }
            await thief.close(.done)
        }
    }

    @Test("a token is good for its client's address only")
    func foreignAddress() async throws {
        let parameters = parameters(.upload, streams: 1, connections: 1) { $0.window = 1_000_000 }
        let plan = DataPlan(role: .client, parameters: parameters)
        try await withSessions(for: parameters) { client, server in
            let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters))
            var local = LocalEnd()
            local.host = "127.0.0.2"
            let transport = try QUICTransport(for: parameters, local: local, trust: .insecure)
            let port = try #require(client.peer.address.split(separator: ":").last.flatMap { UInt16($0) })
            let thief = try await transport.connect(
                to: Endpoint(host: "127.0.0.1", port: port), timeout: .seconds(10))
            let error = await #expect(throws: TransportError.self) { try await thief.open(plan, offer) }
            #expect(error?.code == 0x0b)
            await thief.close(.done)
            // It is still there for whom it was made.
            let here = try await client.open(plan, offer)
            here.start(SendJob(plan: plan))
            #expect(await there.totalsAtTheEnd()?.total == 10_000_001)
        }
    }

    @Test("closing the session ends its data connections: the other end's plane fails with the reason")
    func closing() async throws {
        var parameters = parameters(.download, streams: 2, connections: 2)
        parameters.limit = .duration(.seconds(3600))
        try await withSessions(for: parameters) { client, server in
            let (here, there) = try await openQUICPlanes(parameters, client, server)
            there.start(SendJob(plan: DataPlan(role: .server, parameters: parameters)))
            for await event in here.events {
                if case .receiving = event { break }
            }
            await client.close(.cancelled)
            var failure: TransportError?
            for await event in there.events {
                if case .failed(let error) = event { failure = error }
            }
            #expect(failure?.message == "the peer closed the connection: cancelled")
            #expect(await here.closeWindow().totals.total > .zero, "the last counts stay readable")
        }
    }

    // MARK: This end

    @Test("the streams are spread as evenly as can be")
    func shares() {
        #expect((0..<3).map { QUICLane.share($0, of: 3, streams: 7) } == [0..<3, 3..<5, 5..<7])
        #expect((0..<2).map { QUICLane.share($0, of: 2, streams: 2) } == [0..<1, 1..<2])
        #expect(QUICLane.share(0, of: 1, streams: 128) == 0..<128)
    }

    @Test("the client begins where it was told to")
    func localEnd() async throws {
        var local = LocalEnd()
        local.family = .ipv4
        local.host = "127.0.0.3"
        try await withSessions(local: local) { _, server in
            #expect(server.peer.address.hasPrefix("127.0.0.3:"))
        }
        local.host = "::1"
        await #expect(throws: TransportError.self) {
            try await withSessions(local: local) { _, _ in }
        }
        local.host = "192.0.2.1"
        let error = await #expect(throws: TransportError.self) {
            try await withSessions(local: local) { _, _ in }
        }
        #expect(error == TransportError(.usage, "192.0.2.1 (-B) is no address of this host", code: 99))
    }

    @Test("a port that the client was told to use is used, and one that is taken is named")
    func localPort() async throws {
        let door = try FrontDoor.open(port: 0, .init())
        var local = LocalEnd()
        local.port = door.port
        let error = await #expect(throws: TransportError.self) {
            try await withSessions(local: local) { _, _ in }
        }
        #expect(error?.message == "UDP port \(door.port) (--cport) is in use on this host: choose another")
        _ = consume door
        try await withSessions(local: local) { [local] _, server in
            #expect(server.peer.address == "127.0.0.1:\(local.port ?? 0)")
        }
    }
}
