import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("a TLS stream on loopback", .timeLimit(.minutes(1))) struct TLSStreamTests {
    @Test("what was taken for a peer that doesn't read arrives whole after the end, and then the end")
    func endWhileBlocked() async throws {
        let (client, server) = try await pair()
        let taken = try await onThread {
            let block = [UInt8](repeating: 7, count: 1 << 20)
            var taken = 0
            while case .bytes(let count) = try block.withUnsafeBytes({ try client.write($0) }) { taken += count }
            return taken
        }
        #expect(taken > 0)
        // The socket took the last records in part, so that the rest waits here.
        #expect(client.hasUnsent)
        client.finishWriting()
        let received = try await onThread { try readAll(server) }
        #expect(received == taken)
        #expect(!client.hasUnsent)
        #expect(throws: TransportError.self) { try [UInt8]([1]).withUnsafeBytes { try client.write($0) } }
        // The other direction is still open.
        #expect(try [UInt8]([1, 2]).withUnsafeBytes { try server.write($0) } == .bytes(2))
        server.finishWriting()
        #expect(try await onThread { try readAll(client) } == 2)
    }

    @Test("both directions at once, on four threads, while each end changes its keys again and again")
    func bothDirections() async throws {
        let (client, server) = try await pair()
        let total = 30_000_000
        for stream in [client, server] { stream.connection?.writer.recordLimit = 20 }
        async let sent: Void = onThread { try writeAll(client, total) }
        async let answered: Void = onThread { try writeAll(server, total) }
        async let received = onThread { try readAll(server) }
        async let heard = onThread { try readAll(client) }
        try await sent
        try await answered
        #expect(try await received == total)
        #expect(try await heard == total)
    }

    @Test("a reset wakes a stream that ends and waits for room")
    func resetWhileEnding() async throws {
        let (client, server) = try await pair()
        try await onThread {
            let block = [UInt8](repeating: 7, count: 1 << 20)
            while case .bytes = try block.withUnsafeBytes({ try client.write($0) }) {}
        }
        client.finishWriting()
        client.reset()
        let error = await #expect(throws: TransportError.self) { try await onThread { try readAll(server) } }
        #expect(error?.isReset == true)
    }

    // MARK: Helpers

    /// Two streams whose handshake is done, with small socket buffers.
    private func pair() async throws -> (client: TLSStream, server: TLSStream) {
        var options = StreamOptions()
        options.bufferSize = 64 << 10
        let listener = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0), options)
        let credentials = ServerCredentials(try identity())
        async let client = onThread { [options] in
            let socket = try StreamSocket.connect(
                to: .loopback(.ipv4, port: listener.port), options, deadline: MonotonicClock.now() + .seconds(10),
                StopSignal())
            let handshake = try TLSHandshake.client(
                identity: ClientIdentity(), trust: ServerTrust(.insecure, endpoint: "test"), serverName: nil,
                applicationProtocols: [ApplicationProtocol.qrate])
            return try shaken(TLSStream(socket, handshake, .client, peer: "test"))
        }
        async let server = onThread {
            _ = StreamPoll.wait(
                for: .readable, on: listener.descriptor, try StopSignal(), nanoseconds: Duration.seconds(10).nanoseconds
            )
            let socket = try #require(try listener.accept())
            return try shaken(#require(TLSStream.server(socket, credentials)))
        }
        return (try await client, try await server)
    }
}

private func onThread<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
    try await DedicatedThread.run(name: "test-stream") { Result { try body() } }.get()
}

/// Goes through the handshake. Blocks.
private func shaken(_ stream: TLSStream) throws -> TLSStream {
    while true {
        switch try stream.handshake() {
        case .done: return stream
        case .wantsToRead: try wait(.readable, stream)
        case .wantsToWrite: try wait(.writable, stream)
        }
    }
}

private func wait(_ interest: SocketPoll.Ready, _ stream: TLSStream) throws {
    _ = StreamPoll.wait(
        for: interest, on: stream.socket.descriptor, try StopSignal(), nanoseconds: Duration.seconds(10).nanoseconds)
}

private func writeAll(_ stream: TLSStream, _ total: Int) throws {
    let block = [UInt8](repeating: 7, count: 100_000)
    var left = total
    while left > 0 {
        let result = try block.prefix(left).withUnsafeBytes { try stream.write($0) }
        if case .bytes(let count) = result { left -= count } else { try wait(.writable, stream) }
    }
    stream.finishWriting()
}

/// How many bytes come until the end. Blocks.
private func readAll(_ stream: TLSStream) throws -> Int {
    var buffer = [UInt8](repeating: 0, count: 100_000)
    var total = 0
    while true {
        switch try buffer.withUnsafeMutableBytes({ try stream.read(into: $0) }) {
        case .bytes(let count): total += count
        case .ended: return total
        case .wouldBlock: try wait(.readable, stream)
        }
    }
}
