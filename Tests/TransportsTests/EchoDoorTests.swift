import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("answers to latency probes", .timeLimit(.minutes(2)), .serialized) struct EchoDoorTests {
    @Test("a probe of a test is answered in as many bytes, with its number and the server's time")
    func answer() async throws {
        try await withProbes { token, door, _ in
            let guest = try Guest(door.port)
            var times: [UInt64] = []
            for sequence in [0, 7, .max] as [UInt64] {
                let probe = LatencyProbe(token: token, sequence: sequence)
                let bytes = try guest.ask(probe.encoded)
                #expect(bytes.count == probe.encoded.count)
                let answer = try #require(bytes.withUnsafeBytes { LatencyProbe($0) })
                #expect(answer.kind == .answer && answer.token == token && answer.sequence == sequence)
                times.append(answer.receivedAt)
            }
            #expect(times == times.sorted() && times.first ?? 0 > 0)
        }
    }

    @Test("nothing else is answered, and nobody but the test's client")
    func strangers() async throws {
        try await withProbes { token, door, server in
            let guest = try Guest(door.port)
            let other = try #require(FlowToken([UInt8](repeating: 7, count: 16)))
            let probe = LatencyProbe(token: token, sequence: 1)
            var crooked = probe.encoded
            crooked[4] = 2
            for wrong in [
                LatencyProbe(token: other, sequence: 1).encoded, probe.answered(at: 5).encoded, crooked,
                probe.encoded + [0], Array(probe.encoded.dropLast()),
            ] { guest.tell(wrong) }
            let stranger = try Guest(door.port, from: "127.0.0.9")
            stranger.tell(probe.encoded)
            // Answers come in the order of the questions: the first is that to the last.
            let bytes = try guest.ask(LatencyProbe(token: token, sequence: 2).encoded)
            #expect(bytes.withUnsafeBytes { LatencyProbe($0)?.sequence } == 2)
            #expect(guest.next() == nil && stranger.next() == nil)
        }
    }

    @Test("once its session is closed, a test's token means nothing")
    func afterwards() async throws {
        try await withProbes { token, door, server in
            let guest = try Guest(door.port)
            _ = try guest.ask(LatencyProbe(token: token, sequence: 0).encoded)
            await server.close(.done)
            guest.tell(LatencyProbe(token: token, sequence: 1).encoded)
            // Another test's probe is answered behind it.
            let next = door.echo.register(host: "127.0.0.1", typeOfService: nil)
            let bytes = try guest.ask(LatencyProbe(token: next, sequence: 2).encoded)
            #expect(bytes.withUnsafeBytes { LatencyProbe($0)?.sequence } == 2)
            #expect(guest.next() == nil)
        }
    }

    @Test("a test that doesn't measure latency has no token")
    func noToken() async throws {
        try await withUDPSessions { _, server, _ in
            let (_, offer) = try await server.offer(
                DataPlan(role: .server, parameters: TestParameters(transport: .udp)))
            #expect(offer.probeToken == nil)
        }
    }

    @Test("a client that asks faster than a test needs gets no more answers than that, but those of a long stall")
    func rate() throws {
        let door = EchoDoor(try DatagramSocket.bound(to: .loopback(.ipv4, port: 0), .init()))
        let token = door.register(host: "192.0.2.1", typeOfService: nil)
        func answered(_ count: Int, at time: MonotonicTime) -> Int {
            (0..<count).reduce(0) { sum, sequence in
                let probe = LatencyProbe(token: token, sequence: UInt64(sequence)).encoded
                return sum + (probe.withUnsafeBytes { door.answer($0, at: time) } == nil ? 0 : 1)
            }
        }
        // Later than any clock here.
        let now = MonotonicTime(nanoseconds: 1 << 62)
        #expect(answered(5000, at: now) == 2000)
        #expect(answered(10, at: now + .milliseconds(20)) == 4)
        #expect(answered(5000, at: now + .seconds(60)) == 2000)
    }

    @Test("over TCP, probes come on a connection that is the test's own, and end with it")
    func overTCP() async throws {
        try await withProbes(.tcp) { token, door, server in
            let stop = try StopSignal()
            func connect(_ token: FlowToken) throws -> ProbeStream {
                let socket = try StreamSocket.connect(
                    to: .loopback(.ipv4, port: door.port), from: nil, StreamOptions(),
                    deadline: MonotonicClock.now() + .seconds(10), stop)
                var stream = ProbeStream(TCPStream(socket))
                stream.send(Array("{\"type\":\"probe_hello\",\"token\":\"\(token.hexadecimal)\"}\n".utf8))
                return stream
            }
            func answers(_ stream: inout ProbeStream, _ count: Int) -> [UInt64] {
                var sequences: [UInt64] = []
                while sequences.count < count, !stream.isGone {
                    _ = StreamPoll.wait(
                        for: .readable, on: stream.stream.socket.descriptor, stop, nanoseconds: 10_000_000_000)
                    stream.receive { if let answer = LatencyProbe($0) { sequences.append(answer.sequence) } }
                }
                return sequences
            }
            // Two at most, and with a token only.
            var foreign = try connect(try #require(FlowToken([UInt8](repeating: 7, count: 16))))
            #expect(answers(&foreign, 1) == [])
            var stream = try connect(token)
            let probes = (0..<3).map { LatencyProbe(token: token, sequence: $0).encoded }
            // However the bytes are cut.
            for byte in probes.joined() { stream.send([byte]) }
            #expect(answers(&stream, 3) == [0, 1, 2])
            var second = try connect(token)
            second.send(probes[0])
            #expect(answers(&second, 1) == [0])
            var third = try connect(token)
            #expect(answers(&third, 1) == [])
            second.send([UInt8](repeating: 1, count: 40))
            #expect(answers(&second, 1) == [], "what is no probe ends it")
            await server.close(.done)
            stream.send(probes[1])
            #expect(answers(&stream, 1) == [])
        }
    }
}

/// Offers a test that measures latency on a front door.
private func withProbes(
    _ transport: TransportKind = .udp, _ body: (FlowToken, FrontDoor, any TransportSession) async throws -> Void
) async throws {
    try await withUDPSessions { _, server, door in
        var parameters = TestParameters(transport: transport)
        parameters.measuresLatency = true
        let (_, offer) = try await server.offer(DataPlan(role: .server, testID: "t", parameters: parameters))
        try await body(try #require(offer.probeToken.flatMap { FlowToken(hexadecimal: $0) }), door, server)
    }
}
