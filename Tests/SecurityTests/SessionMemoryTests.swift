import QrateMeasurement
import Synchronization
import Testing

@testable import QrateSecurity

@Suite("a client's memory of sessions", .timeLimit(.minutes(1))) struct SessionMemoryTests {
    private func server(_ endpoint: String = "paris.example.net:5201") -> SessionMemory.Server {
        SessionMemory.Server(endpoint: endpoint, carrier: .quic, applicationProtocols: ["qrate/1"])
    }

    private func add(_ number: Int, to memory: SessionMemory, of server: SessionMemory.Server, seconds: Int64 = 60) {
        memory.add(
            data: [UInt8(truncatingIfNeeded: number)], chain: [[1]], lifetime: .seconds(seconds), of: server)
    }

    @Test("each session is given out once, the latest one first")
    func once() {
        let memory = SessionMemory()
        for number in 1...3 { add(number, to: memory, of: server()) }
        #expect(memory.count == 3)
        #expect((1...4).map { _ in memory.take(of: server())?.data } == [[3], [2], [1], nil])
        #expect(memory.count == 0)
    }

    @Test("a session is for connections of its kind to its server only")
    func kinds() {
        let memory = SessionMemory()
        add(1, to: memory, of: server())
        var others = [SessionMemory.Server](repeating: server(), count: 6)
        others[0].endpoint = "paris.example.net:5202"
        others[1].name = "rome.example.net"
        others[2].carrier = .tcp
        others[3].applicationProtocols = ["xfr"]
        others[4].cipher = .chacha20
        others[5].client = Fingerprint(ofCertificate: [1])
        for other in others { #expect(memory.take(of: other) == nil) }
        #expect(memory.take(of: server()) != nil)
    }

    @Test("the oldest ones make room: of one server, and of all")
    func bounds() {
        let memory = SessionMemory()
        for number in 0..<100 { add(number, to: memory, of: server()) }
        #expect(memory.count == SessionMemory.limitPerServer)
        #expect(memory.take(of: server())?.data == [99])
        for number in 0..<1_000 { add(number, to: memory, of: server("host\(number):5201")) }
        #expect(memory.count == SessionMemory.limit)
        #expect(memory.take(of: server("host999:5201")) != nil)
        #expect(memory.take(of: server("host0:5201")) == nil)
    }

    @Test("a session is forgotten when its time is over, and one without time isn't remembered")
    func expiry() {
        let clock = HandClock()
        let memory = SessionMemory { clock.now }
        add(1, to: memory, of: server(), seconds: 60)
        add(2, to: memory, of: server(), seconds: 10)
        add(3, to: memory, of: server(), seconds: 0)
        #expect(memory.count == 2)
        clock.advance(by: .seconds(10))
        #expect(memory.count == 1)
        clock.advance(by: .seconds(49))
        #expect(memory.take(of: server())?.data == [1])
        add(4, to: memory, of: server(), seconds: 60)
        clock.advance(by: .seconds(60))
        #expect(memory.take(of: server()) == nil)
    }

    @Test("who waits for a session hears of the first, and of his own cancellation")
    func waiting() async {
        let memory = SessionMemory()
        await withTaskGroup { group in
            for _ in 0..<3 { group.addTask { await memory.waitForSession() } }
            add(1, to: memory, of: server())
            await group.waitForAll()
        }
        await memory.waitForSession()
        _ = memory.take(of: server())
        let waiter = Task { await memory.waitForSession() }
        waiter.cancel()
        await waiter.value
        #expect(memory.count == 0)
    }
}

/// A clock that moves when it is told to.
final class HandClock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { time.withLock { $0 } }

    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}
