import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

/// Who sends the payload.
enum Way: CaseIterable, Sendable {
    case upload
    case download
}

/// A pair with everything at its defaults but what `configure` changes, before its first datagram.
func makePair(_ configure: (inout ConnectionPair.Options) -> Void = { _ in }) throws -> ConnectionPair {
    var options = ConnectionPair.Options(identity: try testIdentity())
    configure(&options)
    return try ConnectionPair(options)
}

/// The same, with the handshake behind it.
func connectedPair(_ configure: (inout ConnectionPair.Options) -> Void = { _ in }) throws -> ConnectionPair {
    let pair = try makePair(configure)
    try #require(try pair.handshake())
    return pair
}

extension ConnectionPair {
    func sender(_ way: Way) throws -> QUICConnection { way == .upload ? client : try #require(server) }
    func receiver(_ way: Way) throws -> QUICConnection { way == .upload ? try #require(server) : client }

    func sentTotal(_ way: Way) throws -> UInt64 { try sender(way).sent?.reduce(0, +) ?? 0 }

    /// Agrees on the streams and begins to send.
    func start(_ way: Way, streams: Int, bytes: UInt64? = nil, duration: Duration? = nil) throws {
        let sender = try sender(way)
        try receiver(way).allowPayload(streams: streams)
        try #require(try run { _ in sender.availableStreams >= streams })
        try sender.startPayload(streams: streams, byteBudget: bytes, duration: duration, now: now)
    }

    /// Runs until each stream has ended in order.
    func finish(_ way: Way, streams: Int, limit: Duration = .seconds(600)) throws {
        let receiver = try receiver(way)
        try #require(
            try run(limit: limit) { _ in receiver.finishedStreams == streams },
            "\(receiver.finishedStreams) of \(streams) streams ended, \(clientEndings) \(serverEndings)")
    }

    /// The receiver has what the sender sent, stream by stream, and nothing else.
    func expectExact(
        _ way: Way, streams: Int, bytes: UInt64, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let sender = try sender(way), receiver = try receiver(way)
        #expect(receiver.receivedTotal == bytes, sourceLocation: sourceLocation)
        #expect(Array(receiver.received.prefix(streams)) == sender.sent, sourceLocation: sourceLocation)
        #expect(receiver.received.reduce(0, +) == bytes, sourceLocation: sourceLocation)
        #expect(receiver.finishedStreams == streams, sourceLocation: sourceLocation)
        #expect(receiver.resetStreams == 0, sourceLocation: sourceLocation)
        #expect(sender.isPayloadSent == true, sourceLocation: sourceLocation)
        #expect(clientEndings.isEmpty && serverEndings.isEmpty, sourceLocation: sourceLocation)
    }

    /// A whole test's worth of payload, checked.
    func transfer(
        _ way: Way, streams: Int = 1, bytes: UInt64, limit: Duration = .seconds(600),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try start(way, streams: streams, bytes: bytes)
        try finish(way, streams: streams, limit: limit)
        try expectExact(way, streams: streams, bytes: bytes, sourceLocation: sourceLocation)
    }
}
