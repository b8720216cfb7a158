import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: allowance and pause") struct PacingTests {
    @Test("no more payload goes out than was allowed, and more as soon as it is", arguments: [1, 3])
    func allowance(streams: Int) throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: streams, bytes: 50_000)
        pair.client.payloadAllowance = 10_001
        try pair.run(for: .seconds(1))
        #expect(pair.client.sentTotal == 10_001)
        #expect(pair.server?.receivedTotal == 10_001)
        #expect(pair.client.payloadAllowance == 0)

        pair.client.payloadAllowance = 5
        try pair.run(for: .seconds(1))
        #expect(pair.server?.receivedTotal == 10_006)
        pair.client.payloadAllowance = .max
        try pair.finish(.upload, streams: streams)
        try pair.expectExact(.upload, streams: streams, bytes: 50_000)
    }

    @Test("without allowance control still goes out, and the streams still end")
    func controlGoesOn() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 2)
        pair.client.payloadAllowance = 0
        try pair.client.openControl()
        pair.client.sendControl([1, 2])
        #expect(try pair.run { $0.controlAtServer == [1, 2] })
        pair.client.finishPayload()
        try pair.finish(.upload, streams: 2)
        try pair.expectExact(.upload, streams: 2, bytes: 0)
    }

    @Test("a pause stops the payload, and moves the deadline by its length", arguments: Way.allCases)
    func pause(way: Way) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        try pair.start(way, streams: 2, duration: .milliseconds(400))
        let begin = pair.now
        try pair.run(for: .milliseconds(100))
        let sender = try pair.sender(way)
        sender.setPayloadPaused(true, now: pair.now)
        let atPause = sender.sentTotal
        try pair.run(for: .seconds(5))
        #expect(sender.sentTotal == atPause)
        #expect(try pair.receiver(way).receivedTotal == atPause, "what was under way arrived")
        #expect(sender.isPayloadSent == false)

        sender.setPayloadPaused(false, now: pair.now)
        let end = begin + .milliseconds(5400)
        try #require(try pair.run { _ in sender.isPayloadSent == true })
        #expect(pair.now >= end && pair.now < end + .milliseconds(50), "\(pair.now - begin)")
        #expect(sender.sentTotal > atPause * 2)
        try pair.finish(way, streams: 2)
    }

    @Test("a sender that is told to end in a pause ends")
    func endInPause() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 2, duration: .seconds(10))
        pair.client.setPayloadPaused(true, now: pair.now)
        pair.client.finishPayload()
        try pair.finish(.upload, streams: 2)
        #expect(pair.client.isPayloadSent == true)
    }
}
