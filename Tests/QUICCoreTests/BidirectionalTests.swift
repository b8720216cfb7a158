internal import CQrateNgtcp2
import QrateMeasurement
@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: both ends send on the client's streams") struct BidirectionalTests {
    /// Agrees on the streams and begins to send at both ends.
    private func start(
        _ pair: ConnectionPair, streams: Int, up: UInt64?, down: UInt64?, duration: Duration? = nil
    ) throws {
        let server = try #require(pair.server)
        try pair.client.openControl()  // ID 0, as in every session
        server.allowPayload(streams: streams, kind: .bidirectional)
        pair.client.allowPayload(streams: streams, kind: .bidirectional)
        #expect(!server.canStartPayload(streams: streams, kind: .bidirectional), "no stream has come yet")
        try #require(try pair.run { $0.client.canStartPayload(streams: streams, kind: .bidirectional) })
        try pair.client.startPayload(
            streams: streams, kind: .bidirectional, byteBudget: up, duration: duration, now: pair.now)
        try #require(try pair.run { _ in server.canStartPayload(streams: streams, kind: .bidirectional) })
        try server.startPayload(
            streams: streams, kind: .bidirectional, byteBudget: down, duration: duration, now: pair.now)
    }

    @Test(
        "each half carries exactly its budget", arguments: [1, 2, 128],
        [(1_000_003, 700_001), (0, 500_000), (100_001, 0)] as [(UInt64, UInt64)])
    func budgets(streams: Int, bytes: (up: UInt64, down: UInt64)) throws {
        let pair = try connectedPair()
        try start(pair, streams: streams, up: bytes.up, down: bytes.down)
        let server = try #require(pair.server)
        try #require(
            try pair.run(limit: .seconds(100)) {
                $0.client.finishedStreams == streams && server.finishedStreams == streams
            },
            "\(pair.client.finishedStreams) and \(server.finishedStreams), \(pair.clientEndings) \(pair.serverEndings)")
        try pair.expectExact(.upload, streams: streams, bytes: bytes.up)
        try pair.expectExact(.download, streams: streams, bytes: bytes.down)
    }

    @Test("the streams are 4, 8, 12... at both ends, and control stays on 0")
    func identifiers() throws {
        let pair = try connectedPair()
        try start(pair, streams: 3, up: 30_000, down: 30_000)
        #expect(pair.client.bulkIDs == [4, 8, 12])
        #expect(pair.server?.bulkIDs == [4, 8, 12])
        pair.client.sendControl([7])
        #expect(try pair.run { $0.controlAtServer == [7] })
    }

    @Test("with loss both directions are exact, too")
    func lossy() throws {
        let pair = try connectedPair {
            $0.link = SimulatedLink(seed: 11)
            $0.link.loss = 0.03
        }
        try start(pair, streams: 5, up: 400_003, down: 300_001)
        let server = try #require(pair.server)
        try #require(
            try pair.run(limit: .seconds(600)) { $0.client.finishedStreams == 5 && server.finishedStreams == 5 })
        try pair.expectExact(.upload, streams: 5, bytes: 400_003)
        try pair.expectExact(.download, streams: 5, bytes: 300_001)
    }

    @Test("an abort ends one half, and the other goes on", arguments: Way.allCases)
    func abort(way: Way) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        try start(pair, streams: 2, up: nil, down: nil, duration: .milliseconds(500))
        try pair.run(for: .milliseconds(100))
        let other = way == .upload ? Way.download : .upload
        let sender = try pair.sender(way), receiver = try pair.receiver(way)
        sender.abortPayload()
        try #require(try pair.run { _ in receiver.resetStreams == 2 })
        let before = try pair.receiver(other).receivedTotal
        try pair.finish(other, streams: 2)
        #expect(try pair.receiver(other).receivedTotal > before)
        #expect(try pair.receiver(other).receivedTotal == pair.sentTotal(other))
        #expect(receiver.finishedStreams == 0)
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("a peer that resets streams which it never used is not waited for")
    func neverUsed() throws {
        let pair = try connectedPair()
        let server = try #require(pair.server)
        try pair.client.openControl()
        server.allowPayload(streams: 2, kind: .bidirectional)
        try #require(try pair.run { $0.client.canStartPayload(streams: 2, kind: .bidirectional) })
        try pair.client.startPayload(
            streams: 2, kind: .bidirectional, byteBudget: nil, duration: nil, now: pair.now)
        pair.client.payloadAllowance = 1  // on the first stream only
        try #require(try pair.run { _ in server.canStartPayload(streams: 2, kind: .bidirectional) })
        try server.startPayload(streams: 2, kind: .bidirectional, byteBudget: 0, duration: nil, now: pair.now)
        #expect(server.isPayloadSent == false)
        pair.client.abortPayload()
        #expect(try pair.run { _ in server.isPayloadSent == true && server.resetStreams == 2 })
    }

    // MARK: STOP_SENDING

    @Test(
        "a stream that the peer stops ends that half alone; long before its time, that is told", arguments: Way.allCases
    )
    func stopped(way: Way) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        try start(pair, streams: 1, up: nil, down: nil, duration: .seconds(2))
        try pair.run(for: .milliseconds(100))
        let sender = try pair.sender(way), receiver = try pair.receiver(way)
        ngtcp2_conn_shutdown_stream_read(receiver.state.pointee.conn, 4, 0)
        try #require(try pair.run { _ in sender.isPayloadSent == true })
        let events = way == .upload ? pair.clientEvents : pair.serverEvents
        #expect(events.contains(.payloadStopped))
        let other = way == .upload ? Way.download : .upload
        #expect(try pair.sender(other).isPayloadSent == false)
        try pair.finish(other, streams: 1)
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("stopped within 250 ms of its deadline, a sender has simply ended", arguments: [260, 240])
    func stoppedAtTheEnd(before: Int) throws {
        let pair = try connectedPair {
            $0.link.rate = Bitrate(bitsPerSecond: 100_000_000)
            $0.link.delay = .zero
        }
        try pair.start(.upload, streams: 1, duration: .seconds(1))
        let server = try #require(pair.server)
        try pair.run(for: .milliseconds(1000 - before))
        ngtcp2_conn_shutdown_stream_read(server.state.pointee.conn, 2, 0)
        try #require(try pair.run(limit: .milliseconds(200)) { $0.client.isPayloadSent == true })
        #expect(pair.clientEvents.contains(.payloadStopped) == (before > 250))
    }
}
