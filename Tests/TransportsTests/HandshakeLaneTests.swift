import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import QrateTransportAPI
import Synchronization
import Testing

@testable import QrateTransports

@Suite("lanes of handshakes, on loopback", .timeLimit(.minutes(1))) struct HandshakeLaneTests {
    private let server: TLSTestServer

    init() throws { server = TLSTestServer(try identity()) }

    private func withLanes(
        _ kind: ResumingTransport, _ count: Int,
        _ body: (any HandshakeLanes, any TransportListener) async throws -> Void
    ) async throws {
        let listener = try kind.listen(server)
        let session = try await kind.client(nil).connect(
            to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
        let lanes = try session.handshakeLanes(count)
        await session.close(.done)  // lanes don't need it
        #expect(lanes.count == count)
        try await body(lanes, listener)
        await lanes.close()
        await listener.close()
    }

    @Test("cold ones are cold, resumed ones are resumed", arguments: ResumingTransport.allCases, [1, 3])
    func kinds(transport: ResumingTransport, count: Int) async throws {
        try await withLanes(transport, count) { lanes, _ in
            for (job, handshakes) in [
                (HandshakeJob(kind: .cold, keepsTickets: true, timeout: .seconds(10)), count),
                (HandshakeJob(kind: .cold, keepsTickets: false, timeout: .seconds(10)), 20),
                (HandshakeJob(kind: .resumed, keepsTickets: true, timeout: .seconds(10)), 20),
            ] {
                // The first run is for the tickets: one on each lane.
                let sink = CountingSink(limit: handshakes, perLane: handshakes == count ? 1 : nil)
                await lanes.run(job, sink)
                let completed = sink.completed
                #expect(sink.faults.isEmpty, "\(sink.faults)")
                #expect(completed.count == handshakes)
                #expect(completed.allSatisfy { $0.kind == job.kind }, "\(job)")
                #expect(completed.allSatisfy { $0.duration > .zero })
                #expect(completed.allSatisfy { ($0.connecting != nil) == (transport == .tls) })
                #expect(completed.allSatisfy { ($0.connecting ?? .zero) < $0.duration })
            }
        }
    }

    @Test("without a ticket to begin with, that is a fault, and one is fetched", arguments: ResumingTransport.allCases)
    func noTicket(transport: ResumingTransport) async throws {
        try await withLanes(transport, 1) { lanes, _ in
            let sink = CountingSink(limit: 3)
            await lanes.run(HandshakeJob(kind: .resumed, keepsTickets: true, timeout: .seconds(10)), sink)
            #expect(sink.faults == [.noTicket])
            #expect(sink.completed.map(\.kind) == [.resumed, .resumed])
        }
    }

    @Test("a server that is gone gives faults, not handshakes", arguments: ResumingTransport.allCases)
    func gone(transport: ResumingTransport) async throws {
        try await withLanes(transport, 2) { lanes, listener in
            await listener.close()
            let sink = CountingSink(limit: 4)
            await lanes.run(HandshakeJob(kind: .cold, keepsTickets: false, timeout: .seconds(10)), sink)
            #expect(sink.completed.isEmpty)
            // TCP and ICMP both say so; where they don't, that is told apart.
            #expect(sink.faults.count == 4)
            #expect(sink.faults.allSatisfy { [.connectionRefused, .timeout, .other].contains($0) }, "\(sink.faults)")
        }
    }

    @Test("another certificate than at first is refused", arguments: ResumingTransport.allCases)
    func otherCertificate(transport: ResumingTransport) async throws {
        try await withLanes(transport, 1) { lanes, _ in
            server.credentials = ServerCredentials(try identity())
            let sink = CountingSink(limit: 1)
            await lanes.run(HandshakeJob(kind: .cold, keepsTickets: false, timeout: .seconds(10)), sink)
            #expect(sink.completed.isEmpty)
            #expect(sink.faults == [.certificate])
        }
    }

    @Test("cancelled lanes end, whatever they are at, and begin nothing more", arguments: ResumingTransport.allCases)
    func cancelled(transport: ResumingTransport) async throws {
        try await withLanes(transport, 3) { lanes, _ in
            let sink = CountingSink(limit: .max) { if $0 == 5 { lanes.cancel() } }
            await lanes.run(HandshakeJob(kind: .cold, keepsTickets: false, timeout: .seconds(10)), sink)
            #expect(sink.completed.count >= 5)
            let before = sink.completed.count
            await lanes.run(HandshakeJob(kind: .cold, keepsTickets: false, timeout: .seconds(10)), sink)
            #expect(sink.completed.count == before)
        }
    }

    @Test("who comes for the handshake alone is no session", arguments: ResumingTransport.allCases)
    func noSession(transport: ResumingTransport) async throws {
        try await withLanes(transport, 2) { lanes, listener in
            let sink = CountingSink(limit: 50)
            await lanes.run(HandshakeJob(kind: .cold, keepsTickets: false, timeout: .seconds(10)), sink)
            #expect(sink.completed.count == 50)
            // One that speaks is, and comes out first.
            let client = try await transport.client(nil).connect(
                to: Endpoint(host: "127.0.0.1", port: listener.port), timeout: .seconds(10))
            try await client.control.send(Array("{hello\n".utf8))
            var sessions = listener.sessions.makeAsyncIterator()
            let session = try #require(await sessions.next())
            #expect(try await session.control.receive() == Array("{hello\n".utf8))
            await client.close(.done)
        }
    }
}

/// Wants a number of handshakes, failed ones included.
private final class CountingSink: HandshakeSink {
    private let limit: Int
    private let perLane: Int?
    private let observe: @Sendable (Int) -> Void
    private let state = Mutex(State())

    private struct State {
        var begun = 0
        var begunOnLane: [Int: Int] = [:]
        var completed: [CompletedHandshake] = []
        var faults: [HandshakeFault] = []
    }

    init(limit: Int, perLane: Int? = nil, observe: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.limit = limit
        self.perLane = perLane
        self.observe = observe
    }

    var completed: [CompletedHandshake] { state.withLock { $0.completed } }
    var faults: [HandshakeFault] { state.withLock { $0.faults } }

    func mayBegin(lane: Int, now: MonotonicTime) -> Bool {
        state.withLock { state in
            guard state.begun < limit, state.begunOnLane[lane, default: 0] < perLane ?? .max else { return false }
            state.begun += 1
            state.begunOnLane[lane, default: 0] += 1
            return true
        }
    }

    func completed(_ handshake: CompletedHandshake) {
        let count = state.withLock { state in
            state.completed.append(handshake)
            return state.completed.count
        }
        observe(count)
    }

    func failed(_ fault: HandshakeFault, _ error: TransportError) { state.withLock { $0.faults.append(fault) } }
}
