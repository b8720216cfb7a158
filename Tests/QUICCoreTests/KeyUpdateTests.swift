import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: new keys") struct KeyUpdateTests {
    @Test(
        "keys change several times under a transfer, begun by either end", arguments: Way.allCases, [0.0, 0.02])
    func underTransfer(initiator: Way, loss: Double) throws {
        let pair = try connectedPair {
            $0.link = SimulatedLink(seed: 5)
            $0.link.loss = loss
            $0.link.rate = Bitrate(bitsPerSecond: 30_000_000)
        }
        let connection = try pair.sender(initiator)
        try pair.start(.upload, streams: 2, bytes: 2_500_003)
        var updates = 0
        let server = try #require(pair.server)
        try #require(
            try pair.run(limit: .seconds(600)) { pair in
                // Refused until three probe timeouts after the one before.
                if (try? connection.initiateKeyUpdate(now: pair.now)) != nil { updates += 1 }
                return server.finishedStreams == 2
            })
        #expect(updates >= 3)
        try pair.expectExact(.upload, streams: 2, bytes: 2_500_003)
    }

    @Test("both ends may begin at once")
    func simultaneous() throws {
        let pair = try connectedPair()
        try pair.client.openControl()
        for round in 1...5 as ClosedRange<UInt8> {
            // The first byte confirms the keys before, the second comes late enough to have the next ones derived.
            for _ in 0..<2 {
                pair.client.sendControl([round])
                pair.server?.sendControl([round])
                try pair.run(for: .seconds(1))
            }
            try pair.client.initiateKeyUpdate(now: pair.now)
            try pair.server?.initiateKeyUpdate(now: pair.now)
        }
        #expect(pair.controlAtServer == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
        #expect(pair.controlAtClient == pair.controlAtServer)
        try pair.transfer(.upload, bytes: 100_003)
        try pair.transfer(.download, bytes: 100_003)
    }

    @Test("an update is refused before the handshake is confirmed")
    func tooEarly() throws {
        let pair = try makePair()
        #expect(throws: QUICError.self) { try pair.client.initiateKeyUpdate(now: pair.now) }
        try #require(try pair.run { $0.server != nil })
        #expect(throws: QUICError.self) { try pair.server?.initiateKeyUpdate(now: pair.now) }
        try #require(try pair.run { $0.client.isHandshakeComplete })
        #expect(throws: QUICError.self) { try pair.client.initiateKeyUpdate(now: pair.now) }
        #expect(try pair.handshake())
        try pair.run(for: .seconds(1))
        try pair.client.initiateKeyUpdate(now: pair.now)
        try pair.transfer(.upload, bytes: 10_000)
    }
}
