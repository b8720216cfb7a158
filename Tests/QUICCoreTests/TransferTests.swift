import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: payload") struct TransferTests {
    @Test(
        "N streams carry exactly the budget that they share", arguments: Way.allCases,
        [(1, 3_000_001), (2, 1_000_003), (16, 1_000_003), (128, 1_000_003)] as [(Int, UInt64)])
    func streams(way: Way, plan: (streams: Int, bytes: UInt64)) throws {
        let pair = try connectedPair()
        try pair.transfer(way, streams: plan.streams, bytes: plan.bytes)
    }

    @Test("streams share the path about evenly")
    func shares() throws {
        let pair = try connectedPair()
        try pair.transfer(.upload, streams: 8, bytes: 16_000_000)
        let shares = try pair.receiver(.upload).received.prefix(8)
        #expect(shares.allSatisfy { (1_000_000...3_000_000).contains($0) }, "\(Array(shares))")
    }

    @Test("an odd budget arrives whole", arguments: Way.allCases, [0, 1, 1499, 65_536, 65_537] as [UInt64])
    func oddBudgets(way: Way, bytes: UInt64) throws {
        for streams in [1, 3] { try connectedPair().transfer(way, streams: streams, bytes: bytes) }
    }

    @Test("both ends can send at once")
    func bothWays() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 3, bytes: 500_003)
        try pair.start(.download, streams: 5, bytes: 700_001)
        try pair.finish(.upload, streams: 3)
        try pair.finish(.download, streams: 5)
        try pair.expectExact(.upload, streams: 3, bytes: 500_003)
        try pair.expectExact(.download, streams: 5, bytes: 700_001)
    }

    @Test("sending for a time takes nothing more from the deadline on, and all of it arrives", arguments: Way.allCases)
    func timed(way: Way) throws {
        let pair = try connectedPair {
            $0.link.rate = Bitrate(bitsPerSecond: 40_000_000)
            $0.link.queueLimit = .seconds(1)
        }
        try pair.start(way, streams: 4, duration: .milliseconds(400))
        let deadline = pair.now + .milliseconds(400)
        try #require(try pair.run { $0.now >= deadline })
        #expect(pair.now == deadline, "the deadline is a timer of the connection")

        let sent = try pair.sentTotal(way)
        #expect(sent > 500_000)
        try pair.finish(way, streams: 4)
        try pair.expectExact(way, streams: 4, bytes: sent)
    }

    @Test("a budget ends a timed test early, and time ends a large budget")
    func whicheverEndsFirst() throws {
        let early = try connectedPair()
        try early.start(.upload, streams: 1, bytes: 10_000, duration: .seconds(100))
        try early.finish(.upload, streams: 1, limit: .seconds(1))
        try early.expectExact(.upload, streams: 1, bytes: 10_000)

        let late = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 10_000_000) }
        try late.start(.upload, streams: 1, bytes: 1 << 40, duration: .milliseconds(200))
        try late.finish(.upload, streams: 1, limit: .seconds(10))
        try late.expectExact(.upload, streams: 1, bytes: late.sentTotal(.upload))
    }

    @Test("finishing early lets what was sent arrive and ends each stream in order", arguments: Way.allCases)
    func finishEarly(way: Way) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        try pair.start(way, streams: 2)
        try pair.run(for: .milliseconds(100))
        #expect(try pair.sender(way).isPayloadSent == false)

        try pair.sender(way).finishPayload()
        let sent = try pair.sentTotal(way)
        try pair.finish(way, streams: 2)
        try pair.expectExact(way, streams: 2, bytes: sent)
    }

    @Test("an abort resets each stream and leaves the connection usable", arguments: Way.allCases)
    func abort(way: Way) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        try pair.start(way, streams: 3)
        try pair.run(for: .milliseconds(100))
        let sender = try pair.sender(way), receiver = try pair.receiver(way)
        sender.abortPayload()
        #expect(sender.isPayloadSent == true)

        try #require(try pair.run { _ in receiver.resetStreams == 3 })
        #expect(receiver.finishedStreams == 0)
        #expect(try receiver.receivedTotal <= pair.sentTotal(way))
        #expect(receiver.receivedTotal > 0)
        try pair.client.openControl()
        pair.client.sendControl([1, 2, 3])
        #expect(try pair.run { $0.controlAtServer == [1, 2, 3] })
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("an abort also drops what was handed over and is still on its way")
    func abortAfterLastByte() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 2, bytes: 5_000)
        pair.toServer.isDead = true
        try #require(try pair.run { $0.client.isPayloadSent == true })
        pair.client.abortPayload()
        pair.toServer.isDead = false
        try #require(try pair.run { $0.server?.resetStreams == 2 })
        #expect(pair.server?.finishedStreams == 0)
    }

    @Test("a stream that arrived whole isn't counted as reset when an abort comes behind it")
    func abortAfterArrival() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 2, bytes: 5_000)
        pair.toClient.isDead = true  // so that the client doesn't know
        try #require(try pair.run { $0.server?.finishedStreams == 2 })
        pair.client.abortPayload()
        pair.toClient.isDead = false
        try pair.run(for: .seconds(2))
        #expect(pair.server?.finishedStreams == 2)
        #expect(pair.server?.resetStreams == 0)
        #expect(pair.server?.receivedTotal == 5_000)
    }

    @Test("payload is allowed once: a connection has room for the streams of one test")
    func allowedOnce() throws {
        let pair = try connectedPair()
        for _ in 0..<3 { pair.server?.allowPayload(streams: QUICConnection.streamLimit) }
        try pair.run(for: .milliseconds(100))
        #expect(pair.client.availableStreams == QUICConnection.streamLimit)
        #expect(throws: QUICError.self) {
            for _ in 0..<2 {
                try pair.client.startPayload(
                    streams: QUICConnection.streamLimit, byteBudget: 0, duration: nil, now: pair.now)
            }
        }
    }

    @Test("no stream can be opened before the peer allows it", arguments: Way.allCases)
    func notAllowed(way: Way) throws {
        let pair = try connectedPair()
        try pair.run(for: .milliseconds(100))
        let sender = try pair.sender(way)
        #expect(sender.availableStreams == 0)
        #expect(throws: QUICError.self) {
            try sender.startPayload(streams: 1, byteBudget: 1, duration: nil, now: pair.now)
        }
        #expect(sender.isPayloadSent == nil)
        #expect(sender.sent == nil)
    }

    @Test("a test without streams is over at once", arguments: [0, -1])
    func noStreams(streams: Int) throws {
        let pair = try connectedPair()
        pair.server?.allowPayload(streams: streams)
        try pair.client.startPayload(streams: streams, byteBudget: 5, duration: nil, now: pair.now)
        #expect(pair.client.isPayloadSent == true)
        try pair.run(for: .seconds(1))
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }
}
