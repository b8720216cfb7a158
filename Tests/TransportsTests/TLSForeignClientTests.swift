import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("strangers on the TLS port", .timeLimit(.minutes(1))) struct TLSForeignClientTests {
    private static func openssl(_ port: UInt16, says words: String) -> [String] {
        ["-c", "printf '\(words)\\n' | openssl s_client -connect 127.0.0.1:\(port) -alpn qrate/1 -brief -ign_eof"]
    }

    @Test("openssl s_client: the handshake completes, nonsense is closed in order")
    func opensslNonsense() async throws {
        let listener = try TLSTestServer(identity()).listen()
        let outcome = try await withProgram("sh", Self.openssl(listener.port, says: "nonsense")) {
            try await $0.outcome()
        }
        #expect(outcome.errors.contains("CONNECTION ESTABLISHED"))
        #expect(outcome.errors.contains("TLSv1.3"))
        // OpenSSL calls an end without close_notify an unexpected one.
        #expect(!outcome.errors.contains("unexpected eof"), "\(outcome.errors)")
        #expect(outcome.status == 0)
        await listener.close()
    }

    @Test("openssl s_client: a line of the control protocol makes a session")
    func opensslSession() async throws {
        let listener = try TLSTestServer(identity()).listen()
        try await withProgram("sh", Self.openssl(listener.port, says: "{hello")) { program in
            var sessions = listener.sessions.makeAsyncIterator()
            let session = try #require(await sessions.next())
            #expect(try await session.control.receive() == Array("{hello\n".utf8))
            try await session.control.send(Array("hello yourself\n".utf8))
            _ = try await program.output.line(with: "hello yourself")
            await session.close(.done)
            #expect(try await program.end() == 0)
        }
        await listener.close()
    }

    @Test("gnutls-cli: the handshake completes, nonsense is closed in order")
    func gnutlsNonsense() async throws {
        let listener = try TLSTestServer(identity()).listen()
        let command =
            "printf 'nonsense\\n' | gnutls-cli --insecure --alpn qrate/1 -p \(listener.port) 127.0.0.1"
        let outcome = try await withProgram("sh", ["-c", command]) { try await $0.outcome() }
        #expect(outcome.output.contains("Handshake was completed"))
        #expect(!(outcome.output + outcome.errors).contains("non-properly terminated"), "\(outcome.errors)")
        await listener.close()
    }

    @Test("garbage behind the first byte of a handshake is answered with an alert")
    func garbage() async throws {
        let listener = try TLSTestServer(identity()).listen()
        let answer = try await say(
            [0x16] + Array("this is no handshake, whatever it begins with".utf8), to: listener.port)
        #expect(answer.count == 7)
        #expect(answer.prefix(2) == [21, 3])
        #expect(answer.suffix(2).first == 2)  // fatal
        await listener.close()
    }

    @Test("a connection that is cut off, without close_notify, is told apart from one that ended")
    func cutOff() async throws {
        let server = TLSTestServer(try identity())
        let listener = try server.listen()
        let client = try await connect(to: listener.port)
        #expect(try Array("{hello\n".utf8).withUnsafeBytes { try client.write($0) } == .bytes(7))
        var sessions = listener.sessions.makeAsyncIterator()
        let there = try #require(await sessions.next())
        #expect(try await there.control.receive() == Array("{hello\n".utf8))
        client.socket.finishWriting()
        let error = await #expect(throws: TransportError.self) { try await there.control.receive() }
        #expect(error?.message.contains("was cut off") == true)
        #expect(error?.kind == .failed)
        await there.close(.done)
        await listener.close()
    }

    /// A stream whose handshake is done.
    private func connect(to port: UInt16) async throws -> TLSStream {
        try await DedicatedThread.run(name: "test-client") {
            Result {
                let stop = try StopSignal()
                let deadline = MonotonicClock.now() + .seconds(10)
                let socket = try StreamSocket.connect(to: .loopback(.ipv4, port: port), deadline: deadline, stop)
                let handshake = try TLSHandshake.client(
                    identity: ClientIdentity(), trust: ServerTrust(.insecure, endpoint: "test"), serverName: nil,
                    applicationProtocols: [ApplicationProtocol.qrate])
                let stream = TLSStream(socket, handshake, .client, peer: "test")
                while try stream.handshake() != .done {
                    _ = StreamPoll.wait(
                        for: .readable, on: socket.descriptor, stop, nanoseconds: Duration.seconds(10).nanoseconds)
                }
                return stream
            }
        }.get()
    }

    /// What a server answers to these bytes until it ends the connection.
    private func say(_ bytes: [UInt8], to port: UInt16) async throws -> [UInt8] {
        try await DedicatedThread.run(name: "test-stranger") {
            Result { () throws(SocketError) in
                let stop = try StopSignal()
                let socket = try StreamSocket.connect(
                    to: .loopback(.ipv4, port: port), deadline: MonotonicClock.now() + .seconds(10), stop)
                _ = try bytes.withUnsafeBytes { bytes in
                    Result { () throws(SocketError) in try socket.write(bytes) }
                }.get()
                var answer: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 1_000)
                while true {
                    let outcome = buffer.withUnsafeMutableBytes { buffer in
                        Result { () throws(SocketError) in try socket.read(into: buffer) }
                    }
                    switch try outcome.get() {
                    case .bytes(0): return answer
                    case .bytes(let count): answer += buffer.prefix(count)
                    case .wouldBlock:
                        _ = StreamPoll.wait(
                            for: .readable, on: socket.descriptor, stop, nanoseconds: Duration.seconds(10).nanoseconds)
                    }
                }
            }
        }.get()
    }
}
