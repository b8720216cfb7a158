import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: silence") struct SilenceTests {
    @Test("when the path dies both ends give up at the configured time", arguments: [3, 12])
    func idleTimeout(seconds: Int) throws {
        let pair = try connectedPair {
            $0.settings.idleTimeout = .seconds(seconds)
            $0.settings.keepAlive = .zero
        }
        try pair.run(for: .seconds(1))
        let server = try #require(pair.server)
        pair.toServer.isDead = true
        pair.toClient.isDead = true
        let beginning = pair.now
        try #require(try pair.run { $0.client.isFinished && server.isFinished })
        #expect(pair.clientEndings == [.idleTimeout])
        #expect(pair.serverEndings == [.idleTimeout])
        // Counted from the last datagram, which came within the second before.
        let elapsed = pair.now - beginning
        #expect(elapsed <= .seconds(seconds) && elapsed > .seconds(seconds - 1))
    }

    @Test("the shorter of the two idle timeouts counts at both ends")
    func shorterTimeout() throws {
        let pair = try connectedPair {
            $0.settings.keepAlive = .zero
            $0.clientSettings.idleTimeout = .seconds(2)
            $0.serverSettings.idleTimeout = .seconds(60)
        }
        let server = try #require(pair.server)
        try #require(try pair.run(limit: .seconds(5)) { $0.client.isFinished && server.isFinished })
        #expect(pair.clientEndings == [.idleTimeout])
        #expect(pair.serverEndings == [.idleTimeout])
    }

    @Test("while payload is under way a dead path is noticed at the idle timeout, too")
    func deadDuringTransfer() throws {
        let pair = try connectedPair {
            $0.settings.idleTimeout = .seconds(5)
            $0.link.rate = Bitrate(bitsPerSecond: 40_000_000)
        }
        try pair.start(.upload, streams: 2)
        try pair.run(for: .milliseconds(200))
        pair.toServer.isDead = true
        pair.toClient.isDead = true
        let beginning = pair.now
        let server = try #require(pair.server)
        try #require(try pair.run { $0.client.isFinished && server.isFinished })
        #expect(pair.clientEndings == [.idleTimeout])
        #expect(pair.serverEndings == [.idleTimeout])
        // What is sent into the silence prolongs it once, by the first datagram after the last that came.
        #expect(pair.now - beginning < .seconds(6))
    }

    @Test("keep-alive carries an idle connection past its timeout")
    func keepAlive() throws {
        let pair = try connectedPair {
            $0.settings.idleTimeout = .seconds(3)
            $0.settings.keepAlive = .seconds(1)
        }
        try pair.run(for: .seconds(60))
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
        try pair.transfer(.upload, bytes: 10_000)
    }

    @Test("an idle connection with keep-alive sends next to nothing")
    func idleTraffic() throws {
        let pair = try connectedPair { $0.settings.keepAlive = .seconds(10) }
        try pair.run(for: .seconds(5))
        let before = pair.toServer.carried + pair.toClient.carried
        try pair.run(for: .seconds(100))
        #expect(pair.toServer.carried + pair.toClient.carried - before <= 45)
    }

    // MARK: Stateless reset

    @Test("a client learns from a stateless reset that its server has forgotten it")
    func statelessReset() throws {
        let pair = try connectedPair()
        try pair.run(for: .seconds(1))
        pair.serverLostState = true
        try pair.client.openControl()
        pair.client.sendControl([UInt8](repeating: 1, count: 100))
        try #require(try pair.run { !$0.clientEndings.isEmpty })
        #expect(pair.clientEndings == [.statelessReset])
        #expect(pair.gateReplies.count >= 1)
        #expect(pair.gateReplies.allSatisfy { $0.sent < $0.received })
        #expect(try pair.run { $0.client.isFinished })
    }

    @Test("a reset with another token is noise")
    func forgedReset() throws {
        let pair = try connectedPair()
        for seed in 1...50 as ClosedRange<UInt64> {
            var generator = SplitMix64(seed: seed)
            let noise = (0..<38).map { UInt8.random(in: .min ... .max, using: &generator) & ($0 == 0 ? 0x7f : 0xff) }
            pair.deliverToClient(.init(bytes: noise))
        }
        try pair.transfer(.download, bytes: 10_000)
    }
}
