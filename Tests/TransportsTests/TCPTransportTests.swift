import QrateMeasurement
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("the TCP transport on loopback", .timeLimit(.minutes(1))) struct TCPTransportTests {
    @Test("control bytes go both ways, and a close in order is an end, not an error")
    func control() async throws {
        try await withTCPSessions { client, server in
            #expect(try await server.control.receive() == Array("{hello\n".utf8))
            try await server.control.send(Array("hello yourself\n".utf8))
            #expect(try await client.control.receive() == Array("hello yourself\n".utf8))
            await server.close(.done)
            #expect(try await client.control.receive() == nil)
        }
    }

    @Test(
        "a byte budget arrives whole, in each direction",
        arguments: [Direction.upload, .download, .bidirectional], [1, 4])
    func byteBudget(direction: Direction, streams: Int) async throws {
        try await withTCPSessions { client, server in
            var parameters = TestParameters(
                transport: .tcp, direction: direction, streams: streams, limit: .bytes(20_000_001))
            parameters.settings.payloadUnit = 100_000
            let (there, here) = try await planes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for (sender, receiver) in [(here, there), (there, here)] {
                guard direction == .bidirectional || (direction == .upload) == (sender === here) else { continue }
                let totals = try #require(await receiver.totalsAtTheEnd())
                #expect(totals.total == 20_000_001)
                #expect(totals.isComplete)
                #expect(totals.drained == 0)
                let sample = await sender.sample()
                #expect(sample.sent == totals.measured)
            }
        }
    }
}

/// The server's plane and the client's.
func planes(
    _ parameters: TestParameters, peer: PeerTraits = .qrate, _ client: any TransportSession,
    _ server: any TransportSession
) async throws -> (there: TCPDataPlane, here: TCPDataPlane) {
    let id = "test-\(UInt64.random(in: 0 ... .max))"
    let (there, offer) = try await server.offer(
        DataPlan(role: .server, testID: id, parameters: parameters, peer: peer))
    let here = try await client.open(DataPlan(role: .client, testID: id, parameters: parameters, peer: peer), offer)
    return (try #require(there as? TCPDataPlane), try #require(here as? TCPDataPlane))
}

/// A listener on a free port and a client connected to it, which has sent `{hello`; both are closed afterwards.
func withTCPSessions(
    _ transport: StreamTransport = .tcp(), host: String = "127.0.0.1",
    options: StreamListener.Options = StreamListener.Options(),
    _ body: (any TransportSession, any TransportSession) async throws -> Void
) async throws {
    let listener = try StreamListener(on: try FrontDoor.open(port: 0, .init()), options)
    let client = try await transport.connect(
        to: Endpoint(host: host, port: listener.port), timeout: .seconds(10))
    try await client.control.send(Array("{hello\n".utf8))
    var sessions = listener.sessions.makeAsyncIterator()
    let server = try #require(await sessions.next())
    do {
        try await body(client, server)
    } catch {
        await client.close(.done)
        await server.close(.done)
        await listener.close()
        throw error
    }
    await client.close(.done)
    await server.close(.done)
    await listener.close()
}
