import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: hostile datagrams") struct HostileDatagramTests {
    @Test(
        "beside damaged, shortened, repeated and random datagrams a test runs as if they weren't there",
        arguments: 1...10 as ClosedRange<UInt64>, [false, true])
    func beside(seed: UInt64, demandsRetry: Bool) throws {
        let pair = try makePair {
            $0.demandsRetry = demandsRetry
            $0.link = SimulatedLink(seed: seed)
            $0.link.forgery = 0.5
        }
        try #require(try pair.handshake(), "\(pair.clientEndings) \(pair.serverEndings)")
        try pair.client.openControl()
        pair.client.sendControl([1, 2, 3])
        try pair.transfer(.upload, streams: 2, bytes: 300_007)
        try pair.run(for: .seconds(1))
        try pair.client.initiateKeyUpdate(now: pair.now)
        try pair.transfer(.download, streams: 2, bytes: 300_007)
        #expect(pair.controlAtServer == [1, 2, 3])
        #expect(pair.toServer.forged > 20 && pair.toClient.forged > 20)

        let server = try #require(pair.server)
        server.close(code: 1, reason: "bye")
        try #require(try pair.run { $0.client.isFinished && server.isFinished })
        #expect(pair.clientEndings == [.closedByPeer(code: 1, reason: "bye")])
        #expect(pair.gateReplies.allSatisfy { $0.sent < $0.received })
    }

    @Test("an empty datagram is nothing, in every phase")
    func empty() throws {
        let pair = try makePair()
        let nothing = SimulatedLink.Datagram(bytes: [])
        pair.deliverToClient(nothing)
        try pair.deliverToServer(nothing)
        try #require(try pair.run { $0.server != nil })
        pair.deliverToClient(nothing)
        try pair.deliverToServer(nothing)
        try #require(try pair.handshake())
        pair.deliverToClient(nothing)
        try pair.deliverToServer(nothing)
        try pair.transfer(.upload, bytes: 10_000)
        pair.client.close(code: 0, reason: "")
        pair.deliverToClient(nothing)
        try #require(try pair.run { $0.client.isFinished })
        pair.deliverToClient(nothing)
        #expect(pair.clientEndings == [.closedHere])
    }

    @Test(
        "random bytes before anything else neither stop a client nor make a server",
        arguments: 1...20 as ClosedRange<UInt64>)
    func noiseFirst(seed: UInt64) throws {
        let pair = try makePair()
        var generator = SplitMix64(seed: seed)
        func noise() -> SimulatedLink.Datagram {
            let count = Int.random(in: 0...1500, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            // Half of them with the first byte and the version of a packet of ours.
            if count > 5, Bool.random(using: &generator) {
                bytes.replaceSubrange(0..<5, with: [bytes[0] | 0xc0, 0, 0, 0, 1])
            }
            return .init(bytes: bytes)
        }
        for _ in 0..<50 {
            pair.deliverToClient(noise())
            try pair.deliverToServer(noise())
        }
        try pair.run(for: .zero)
        for _ in 0..<50 { pair.deliverToClient(noise()) }
        #expect(pair.clientEndings.isEmpty)
        try #require(try pair.handshake(), "\(pair.clientEndings) \(pair.serverEndings)")
        try pair.transfer(.upload, bytes: 10_000)
    }

    @Test("whatever comes between the end of a connection and its last packet is ignored")
    func betweenEndAndClose() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 1, bytes: 50_000)
        try pair.run(for: .milliseconds(1))
        pair.server?.close(code: 2, reason: "stop")
        // These reach a server that is to be closed, before it was polled.
        while let datagram = pair.interceptFromClient() { try pair.deliverToServer(datagram) }
        #expect(pair.server?.receivedTotal == 0)
        try #require(try pair.run { !$0.clientEndings.isEmpty })
        #expect(pair.clientEndings == [.closedByPeer(code: 2, reason: "stop")])
    }
}
