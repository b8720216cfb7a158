import Glibc
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("what comes to a server's TCP port", .timeLimit(.minutes(1))) struct StreamListenerTests {
    @Test(
        "what isn't a line of the control protocol is closed without a word",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n", "\n", "\0\0\0\0", "[1,2]\n", " {\"type\":\"hello\"}\n", "\u{16}\u{3}\u{1}",
        ])
    func garbage(text: String) async throws {
        try await withListener { listener in
            let client = try RawClient(port: listener.port)
            try client.send(text)
            #expect(try client.isClosed())
            try await expectService(listener)
        }
    }

    @Test("a first line without an end is closed at the longest that a line may be", arguments: [65_536, 200_000])
    func endlessLine(length: Int) async throws {
        try await withListener { listener in
            let client = try RawClient(port: listener.port)
            try client.send("{" + String(repeating: "a", count: length))
            #expect(try client.isClosed())
            try await expectService(listener)
        }
    }

    @Test("the longest first line begins a session, and no byte of it is lost")
    func longestLine() async throws {
        try await withListener { listener in
            let client = try RawClient(port: listener.port)
            let line = "{" + String(repeating: "a", count: 65_534) + "\nmore"
            try client.send(line)
            let session = try #require(await listener.nextSession())
            var received: [UInt8] = []
            while received.count < line.utf8.count, let piece = try await session.control.receive() {
                received += piece
            }
            #expect(received == Array(line.utf8))
            await session.close(.done)
        }
    }

    @Test("who never finishes a first line has the time of one, whatever drips in")
    func slowLine() async throws {
        try await withListener { listener in
            let time = try await DedicatedThread.run(name: "drip") { [port = listener.port] in
                Result { () throws -> Duration in
                    let client = try RawClient(port: port)
                    try client.send("{")
                    let startedAt = MonotonicClock.now()
                    // Each byte comes well before the time is over; together they don't gain any.
                    while try !client.isClosed(within: .milliseconds(500)) { try? client.send("a") }
                    return MonotonicClock.now() - startedAt
                }
            }.get()
            #expect(time >= .milliseconds(4_900))
            try await expectService(listener)
        }
    }

    @Test("connections that say nothing are bounded, and room is where others leave")
    func silentCrowd() async throws {
        var options = StreamListener.Options()
        options.arrivals = 20
        try await withListener(options) { listener in
            let crowd = try (0..<20).map { _ in try RawClient(port: listener.port) }
            #expect(try RawClient(port: listener.port).isClosed())
            for client in crowd.prefix(10) {
                try client.send("x")
                #expect(try client.isClosed())
            }
            try await expectService(listener)
            withExtendedLifetime(crowd) {}
        }
    }

    @Test("data connections that belong to no stream of a test are closed, and take nobody's place")
    func strayDataConnections() async throws {
        let parameters = TestParameters(transport: .tcp, streams: 2, limit: .bytes(100_000))
        try await withTCPSessions { client, server in
            let plan = DataPlan(role: .server, testID: "the-test", parameters: parameters)
            let (there, offer) = try await server.offer(plan)
            let port = try #require(client.port)
            for (test, index) in [("another", "0"), ("the-test", "2"), ("the-test", "65535"), ("the-test", "-1")] {
                let stray = try RawClient(port: port)
                try stray.sendDataHello(test, index)
                // One that can't be read at all is taken for the beginning of a control connection.
                if index == "-1" { continue }
                #expect(try stray.isClosed(), "\(test) \(index)")
            }
            let elsewhere = try RawClient(port: port, from: "127.0.0.2")
            try elsewhere.sendDataHello("the-test", "0")
            #expect(try elsewhere.isClosed(), "another address than the control connection's")

            let here = try await client.open(DataPlan(role: .client, testID: "the-test", parameters: parameters), offer)
            await there.isWhole()
            let repeated = try RawClient(port: port)
            try repeated.sendDataHello("the-test", "1")
            #expect(try repeated.isClosed(), "the stream is there already")
            here.start(SendJob(plan: plan))
            #expect(await there.totalsAtTheEnd()?.total == 100_000)
        }
    }

    @Test("payload that comes in the same piece as the first line counts")
    func payloadBehindHello() async throws {
        let parameters = TestParameters(transport: .tcp, limit: .bytes(5))
        try await withTCPSessions { client, server in
            let (there, _) = try await server.offer(DataPlan(role: .server, testID: "t", parameters: parameters))
            let data = try RawClient(port: try #require(client.port))
            try data.send(#"{"type":"data_hello","test_id":"t","stream_index":0}"# + "\n12345")
            data.finish()
            let totals = try #require(await there.totalsAtTheEnd())
            #expect(totals.total == 5)
            #expect(totals.isComplete)
        }
    }

    @Test("a test whose connections don't all come in time fails, and says how many are missing")
    func missingConnection() async throws {
        let parameters = TestParameters(transport: .tcp, streams: 3, limit: .bytes(5))
        try await withTCPSessions { client, server in
            let (plane, _) = try await server.offer(DataPlan(role: .server, testID: "t", parameters: parameters))
            let there = try #require(plane as? TCPDataPlane)
            let data = try RawClient(port: try #require(client.port))
            try data.sendDataHello("t", "1")
            while there.connections.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            there.attachingTimeIsOver()
            let failure = await there.failure()
            #expect(failure?.kind == .failed)
            #expect(failure?.message == "2 of 3 data connections from 127.0.0.1 did not come within 30 s")
        }
    }

    @Test("a test that is whole isn't failed by the end of the time for that")
    func wholeInTime() async throws {
        let parameters = TestParameters(transport: .tcp, limit: .bytes(5))
        try await withTCPSessions { client, server in
            let (there, here) = try await planes(parameters, client, server)
            await there.isWhole()
            there.attachingTimeIsOver()
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            #expect(await there.totalsAtTheEnd()?.total == 5)
        }
    }

    @Test("a peer that resets in mid-test fails its sender, with the stream's number")
    func resetWhileSending() async throws {
        let parameters = TestParameters(transport: .tcp, direction: .download, limit: .duration(.seconds(3600)))
        try await withTCPSessions { client, server in
            let plan = DataPlan(role: .server, testID: "t", parameters: parameters)
            let (there, _) = try await server.offer(plan)
            there.start(SendJob(plan: plan))
            let data = try RawClient(port: try #require(client.port))
            try data.sendDataHello("t", "0")
            try data.receiveSomething()
            data.reset()
            let failure = try #require(await there.failure())
            #expect(failure.kind == .failed)
            #expect(failure.message.hasPrefix("stream 1: the connection to 127.0.0.1:"))
            #expect(failure.message.hasSuffix("is gone: the peer reset it"))
        }
    }

    @Test("a peer that resets in mid-test leaves its receiver with what came, marked as incomplete")
    func resetWhileReceiving() async throws {
        let parameters = TestParameters(transport: .tcp, limit: .duration(.seconds(3600)))
        try await withTCPSessions { client, server in
            let (there, _) = try await server.offer(
                DataPlan(role: .server, testID: "t", parameters: parameters, peer: .singlePortTCP))
            let data = try RawClient(port: try #require(client.port))
            try data.sendDataHello("t", "0")
            try data.send("12345")
            await there.waitForPayload()
            data.reset()
            let totals = try #require(await there.totalsAtTheEnd())
            #expect(
                !totals.isComplete, "the end isn't near, so even a peer that isn't a qrate means nothing good by it")
            #expect(totals.total == 5)
        }
    }

    @Test("a client whose data connections the server turns away says so, instead of having measured nothing")
    func turnedAway() async throws {
        let parameters = TestParameters(transport: .tcp, direction: .download, limit: .duration(.seconds(3600)))
        try await withTCPSessions { client, _ in
            // No test of that name is known there.
            let here = try await client.open(
                DataPlan(role: .client, testID: "unknown", parameters: parameters), DataOffer())
            let failure = try #require(await here.failure())
            #expect(failure.message.hasPrefix("stream 1: the server closed the data connection before any payload"))
        }
    }

    @Test("two tests of one id aren't possible at the same time, one after the other is")
    func sameID() async throws {
        let parameters = TestParameters(transport: .tcp, limit: .bytes(5))
        let plan = DataPlan(role: .server, testID: "t", parameters: parameters)
        try await withTCPSessions { _, server in
            let (first, _) = try await server.offer(plan)
            let error = await #expect(throws: TransportError.self) { _ = try await server.offer(plan) }
            #expect(error?.kind == .refused)
            await (first as? TCPDataPlane)?.close()
            _ = try await server.offer(plan)
        }
    }

    @Test("a test that needs more threads than are left is refused, with the numbers; they come back")
    func threadLimit() async throws {
        var options = StreamListener.Options()
        options.dataThreads = 10
        try await withTCPSessions(options: options) { _, server in
            func plan(_ id: String, _ streams: Int, _ direction: Direction) -> DataPlan {
                let parameters = TestParameters(
                    transport: .tcp, direction: direction, streams: streams, limit: .bytes(5))
                return DataPlan(role: .server, testID: id, parameters: parameters)
            }
            let (first, _) = try await server.offer(plan("a", 4, .bidirectional))
            let error = await #expect(throws: TransportError.self) { _ = try await server.offer(plan("b", 3, .upload)) }
            #expect(error?.kind == .refused)
            #expect(
                error?.message == "this server is busy: the test needs 3 data threads, and 2 of its 10 are free")
            await (first as? TCPDataPlane)?.close()
            _ = try await server.offer(plan("c", 5, .bidirectional))
        }
    }

    @Test("a congestion controller that the system hasn't got is refused at both ends, with what it has")
    func unknownController() async throws {
        var settings = TransportSettings()
        settings.congestionController = "nonesuch"
        let here = await #expect(throws: TransportError.self) {
            // Before anything is sent: the port doesn't matter.
            try await StreamTransport.tcp(settings: settings).connect(
                to: Endpoint(host: "127.0.0.1", port: 9), timeout: .seconds(5))
        }
        #expect(here?.kind == .usage)
        #expect(here?.message.hasSuffix(CongestionControl.available.joined(separator: ", ")) == true)
        try await withTCPSessions { _, server in
            let parameters = TestParameters(transport: .tcp, settings: settings)
            let there = await #expect(throws: TransportError.self) {
                _ = try await server.offer(DataPlan(role: .server, testID: "t", parameters: parameters))
            }
            #expect(there?.kind == .refused)
            #expect(
                there?.message.hasPrefix("Unsupported congestion control algorithm 'nonesuch': ") == true)
            for name in CongestionControl.available { #expect(there?.message.contains(name) == true) }
        }
    }

    @Test("kinds of tests that don't go beside bare TCP are refused")
    func wrongKind() async throws {
        try await withTCPSessions { _, server in
            let error = await #expect(throws: TransportError.self) {
                _ = try await server.offer(
                    DataPlan(role: .server, testID: "t", parameters: TestParameters(transport: .quic)))
            }
            #expect(error?.kind == .refused)
        }
    }

    @Test("where nothing listens, the message says so")
    func nothingListens() async throws {
        let port = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0)).port
        let error = await #expect(throws: TransportError.self) {
            try await StreamTransport.tcp().connect(
                to: Endpoint(host: "127.0.0.1", port: port), timeout: .seconds(5))
        }
        #expect(error?.kind == .unreachable)
        #expect(
            error?.message == "nothing listens on TCP 127.0.0.1:\(port): is `qrate serve` running there?")
    }

    @Test("a host of the other IP version can't be had")
    func wrongFamily() async throws {
        var local = LocalEnd()
        local.family = .ipv6
        let error = await #expect(throws: TransportError.self) {
            try await StreamTransport.tcp(local: local).connect(
                to: Endpoint(host: "127.0.0.1", port: 9), timeout: .seconds(5))
        }
        #expect(error?.kind == .unreachable)
        #expect(error?.message.hasPrefix("cannot find 127.0.0.1: ") == true)
    }
}

/// A client's socket, for what no client should do.
final class RawClient {
    private var socket: StreamSocket?

    init(port: UInt16, from host: String = "127.0.0.1") throws {
        var local = sockaddr_in()
        local.sin_family = sa_family_t(AF_INET)
        try #require(inet_pton(AF_INET, host, &local.sin_addr) == 1)
        let address = withUnsafeBytes(of: &local) { SocketAddress(bytes: $0) }
        socket = try StreamSocket.connect(
            to: .loopback(.ipv4, port: port), from: address, deadline: MonotonicClock.now() + .seconds(10),
            StopSignal())
    }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty, let socket {
            switch bytes.withUnsafeBytes({ bytes in try? socket.write(bytes) }) {
            case .bytes(let count): bytes = bytes.dropFirst(count)
            case .wouldBlock: try wait(for: .writable)
            case nil: return  // the server has closed already
            }
        }
    }

    func sendDataHello(_ test: String, _ index: String) throws {
        try send(#"{"type":"data_hello","test_id":"\#(test)","stream_index":\#(index)}"# + "\n")
    }

    func receiveSomething() throws {
        try wait(for: .readable)
        var buffer = [UInt8](repeating: 0, count: 1000)
        let outcome = try buffer.withUnsafeMutableBytes { try socket?.read(into: $0) }
        guard case .bytes(1...)? = outcome else { throw Nothing() }
    }

    /// How many bytes come until the server cuts the connection off.
    func readToTheEnd() throws -> Int {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var total = 0
        while true {
            try wait(for: .readable)
            do {
                let outcome = try buffer.withUnsafeMutableBytes { try socket?.read(into: $0) }
                guard case .bytes(let count)? = outcome, count > 0 else { throw Nothing() }
                total += count
            } catch {
                guard (error as? SocketError)?.code == ECONNRESET else { throw error }
                return total
            }
        }
    }

    /// Whether the server ends the connection, having sent nothing.
    func isClosed(within limit: Duration = .seconds(10)) throws -> Bool {
        guard let socket else { return true }
        var buffer = [UInt8](repeating: 0, count: 1000)
        let ready = StreamPoll.wait(
            for: .readable, on: socket.descriptor, try StopSignal(), nanoseconds: limit.nanoseconds)
        guard !ready.isEmpty else { return false }
        do {
            return try buffer.withUnsafeMutableBytes { try socket.read(into: $0) } == .bytes(0)
        } catch {
            return (error as? SocketError)?.code == ECONNRESET
        }
    }

    func finish() { socket?.finishWriting() }
    func reset() { socket?.reset() }
    func close() { socket = nil }

    private func wait(for interest: SocketPoll.Ready) throws {
        guard let socket else { throw Nothing() }
        let ready = StreamPoll.wait(
            for: interest, on: socket.descriptor, try StopSignal(), nanoseconds: 10_000_000_000)
        if ready.isEmpty { throw Nothing() }
    }

    private struct Nothing: Error {}
}

extension TransportListener {
    func nextSession() async -> (any TransportSession)? {
        for await session in sessions { return session }
        return nil
    }
}

extension TransportSession {
    /// A client's: the server's port.
    var port: UInt16? { peer.address.split(separator: ":").last.flatMap { UInt16($0) } }
}

extension DataPlane {
    /// Waits until every connection is there.
    func isWhole() async {
        guard let plane = self as? TCPDataPlane else { return }
        while plane.isMissingConnections, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

func withListener(
    _ options: StreamListener.Options = .init(), _ body: (StreamListener) async throws -> Void
) async throws {
    let listener = try StreamListener(on: try FrontDoor.open(port: 0, .init()), options)
    do {
        try await body(listener)
    } catch {
        await listener.close()
        throw error
    }
    await listener.close()
}

/// A client in good order gets its session.
func expectService(_ listener: StreamListener) async throws {
    let client = try RawClient(port: listener.port)
    try client.send("{hello\n")
    let session = try #require(await listener.nextSession())
    #expect(try await session.control.receive() == Array("{hello\n".utf8))
    client.close()
    await session.close(.done)
}
