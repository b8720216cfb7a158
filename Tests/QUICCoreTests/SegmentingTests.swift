import QrateMeasurement
@testable import QrateQUICCore
import QrateTestSupport
import Testing

/// ``ConnectionPair`` checks each batch against what ``Transmit`` promises; these tests see to it that there are some.
@Suite("two connections in memory: batches for segmentation") struct SegmentingTests {
    @Test(
        "a batch holds as many datagrams as were asked for, and the peer can open all of them",
        arguments: [1, 2, 7, 64])
    func limits(limit: Int) throws {
        let pair = try connectedPair()
        pair.batchLimit = limit
        try pair.transfer(.upload, streams: 3, bytes: 1_000_003)
        try pair.transfer(.download, streams: 3, bytes: 1_000_003)
        // 65,487 bytes hold no more than 54 datagrams of 1200 bytes.
        #expect(pair.largestBatch <= limit)
        #expect(limit == 1 || pair.largestBatch > 1)
        #expect(pair.largestBatch <= QUICConnection.batchBytes / 1200)
        #expect(pair.toServer.lost == 0 && pair.toClient.lost == 0)
        for way in Way.allCases { #expect(try pair.sender(way).pathMetrics().streamPacketsLost == 0) }
    }

    @Test("batches stay in order when ECN marks begin, end and begin again", arguments: [0.0, 0.05])
    func marksChange(loss: Double) throws {
        let pair = try connectedPair { $0.link.loss = loss }
        try pair.start(.upload, streams: 2, bytes: 1_000_003)
        try #require(try pair.run { ($0.server?.receivedTotal ?? 0) > 400_000 })
        pair.toServer.bleachesECN = true
        try pair.finish(.upload, streams: 2)
        try pair.expectExact(.upload, streams: 2, bytes: 1_000_003)
    }

    /// A client as it is when the last packet written had another mark than its batch.
    private func pairWithHeldBackPacket() throws -> ConnectionPair {
        let pair = try connectedPair()
        pair.client.carryBuffer.initializeMemory(as: UInt8.self, repeating: 0x5a, count: 60)
        pair.client.carried = CarriedPacket(count: 60, ecn: 2)
        return pair
    }

    @Test("a packet held back goes first in the next batch, and before a close", arguments: [false, true])
    func heldBack(closes: Bool) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: QUICConnection.batchBytes, alignment: 16)
        defer { buffer.deallocate() }
        let pair = try pairWithHeldBackPacket()
        if closes { pair.client.close(code: 1, reason: "") }
        let batch = try #require(pair.client.pollTransmit(into: buffer, limit: 64, now: pair.now))
        #expect(batch.byteCount == 60 && batch.segmentSize == 60 && batch.ecn == 2)
        #expect(buffer.prefix(60).allSatisfy { $0 == 0x5a })
        #expect(batch.remote.elementsEqual(ConnectionPair.address(port: 5_201)))
        #expect((pair.client.pollTransmit(into: buffer, limit: 64, now: pair.now) != nil) == closes)
    }

    @Test("a window isn't sent at once but over the round trip (RFC 9002 §7.7)")
    func pacing() throws {
        let pair = try connectedPair { $0.link.delay = .milliseconds(50) }
        try pair.start(.upload, streams: 1, bytes: 4_000_003)
        var largestBurst = 0, mostUnderWay = 0, burst = 0, time = pair.now, carried = pair.toServer.carried
        try #require(
            try pair.run { pair in
                if pair.now != time { burst = 0 }
                time = pair.now
                burst += pair.toServer.carried - carried
                carried = pair.toServer.carried
                largestBurst = max(largestBurst, burst)
                mostUnderWay = max(mostUnderWay, Int(pair.client.pathMetrics().bytesInFlight?.bytes ?? 0))
                return pair.server?.finishedStreams == 1
            })
        #expect(mostUnderWay > 1_000_000)
        #expect(largestBurst * 1444 < mostUnderWay / 4)
    }

    @Test("a packet held back waits for a buffer that it fits into")
    func heldBackForRoom() throws {
        let pair = try pairWithHeldBackPacket()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 60, alignment: 16)
        defer { buffer.deallocate() }
        let small = UnsafeMutableRawBufferPointer(rebasing: buffer[..<59])
        #expect(pair.client.pollTransmit(into: small, limit: 64, now: pair.now) == nil)
        #expect(pair.client.pollTransmit(into: buffer, limit: 64, now: pair.now)?.byteCount == 60)
    }

    @Test("a packet held back isn't sent any more once the peer has closed (RFC 9000 §10.2.2)")
    func heldBackTooLong() throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: QUICConnection.batchBytes, alignment: 16)
        defer { buffer.deallocate() }
        let pair = try pairWithHeldBackPacket()
        let server = try #require(pair.server)
        server.close(code: 1, reason: "")
        let close = try #require(server.pollTransmit(into: buffer, limit: 64, now: pair.now))
        pair.deliverToClient(.init(bytes: Array(buffer.prefix(close.byteCount))))
        #expect(pair.client.pollTransmit(into: buffer, limit: 64, now: pair.now) == nil)
        #expect(try pair.run { $0.client.isFinished })
        #expect(pair.clientEndings == [.closedByPeer(code: 1, reason: "")])
    }

    @Test("a buffer for one datagram is enough, if slow")
    func smallBuffer() throws {
        let pair = try connectedPair()
        let server = try #require(pair.server)
        server.allowPayload(streams: 1)
        try #require(try pair.run { $0.client.availableStreams == 1 })
        try pair.client.startPayload(streams: 1, byteBudget: 50_000, duration: nil, now: pair.now)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1500, alignment: 16)
        defer { buffer.deallocate() }
        var count = 0
        while let batch = pair.client.pollTransmit(into: buffer, limit: 64, now: pair.now) {
            #expect(batch.datagramCount == 1)
            #expect(batch.byteCount <= 1500)
            pair.toServer.send(.init(bytes: Array(buffer.prefix(batch.byteCount)), ecn: batch.ecn), now: pair.now)
            count += 1
        }
        #expect(count > 1)
        try pair.finish(.upload, streams: 1)
        try pair.expectExact(.upload, streams: 1, bytes: 50_000)
    }

    @Test("no buffer, no room or no datagrams asked for: nothing is written")
    func nothing() throws {
        let pair = try makePair()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1500, alignment: 16)
        defer { buffer.deallocate() }
        let none = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        #expect(pair.client.pollTransmit(into: none, limit: 64, now: pair.now) == nil)
        #expect(pair.client.pollTransmit(into: buffer, limit: 0, now: pair.now) == nil)
        #expect(try pair.handshake())
    }
}
