import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateTestSupport
import Testing

/// What a connection says of itself, against what the links between the two know.
@Suite("two connections in memory: figures from inside") struct InsideTests {
    private static let libraries: [AEADLibrary] = IPSecMBProtector.isThere ? [.gnutls, .ipsecMB] : [.gnutls]

    private func counts(_ connection: QUICConnection?) throws -> QUICPacketCounts {
        let connection = try #require(connection)
        return try #require(connection.pathMetrics().packets)
    }

    /// With path MTU discovery behind it, and nothing under way.
    private func quietPair(_ configure: (inout ConnectionPair.Options) -> Void = { _ in }) throws -> ConnectionPair {
        let pair = try connectedPair(configure)
        try pair.run(for: .seconds(3))
        return pair
    }

    @Test("packets are those that the links carried", arguments: libraries, Way.allCases)
    func packets(library: AEADLibrary, way: Way) throws {
        let pair = try quietPair { $0.settings.aead = library }
        let client = try counts(pair.client), server = try counts(pair.server)
        let upload = pair.toServer.carried, download = pair.toClient.carried
        try pair.transfer(way, streams: 3, bytes: 1_000_003)
        try pair.run(for: .seconds(3))
        let clientNow = try counts(pair.client).since(client), serverNow = try counts(pair.server).since(server)
        #expect(pair.toServer.lost == 0 && pair.toClient.lost == 0)
        #expect(clientNow.sent == UInt64(pair.toServer.carried - upload))
        #expect(serverNow.received == clientNow.sent)
        #expect(serverNow.sent == UInt64(pair.toClient.carried - download))
        #expect(clientNow.received == serverNow.sent)
        for (sender, receiver) in [(clientNow, serverNow), (serverNow, clientNow)] {
            #expect(sender.streamBytesResent == 0 && sender.spuriousLosses == 0 && sender.probeTimeouts == 0)
            let sent = try #require(sender.sent), acknowledged = try #require(sender.acknowledged)
            let acks = try #require(sender.acksReceived), answers = try #require(receiver.sent)
            #expect(acknowledged <= sent && acks <= answers)
        }
        let sender = way == .upload ? clientNow : serverNow
        // 700 packets of payload, each of which elicits an acknowledgement.
        #expect(try #require(sender.acknowledged) > 690)
        #expect(try #require(sender.acknowledgedPerACK) >= 1)
    }

    @Test("what was lost is sent again, and no more", arguments: Way.allCases, [1, 3, 17])
    func resent(way: Way, drops: Int) throws {
        let pair = try quietPair()
        func lossy(_ change: (inout SimulatedLink) -> Void) {
            if way == .upload { change(&pair.toServer) } else { change(&pair.toClient) }
        }
        let sender = try pair.sender(way)
        let before = try counts(sender)
        var lostBytes = 0
        lossy { lostBytes = $0.bytesLost }
        try pair.start(way, streams: 1, bytes: 2_000_003)
        let receiver = try pair.receiver(way)
        try #require(try pair.run { _ in receiver.receivedTotal > 500_000 })
        lossy { $0.dropsNext = drops }
        try pair.finish(way, streams: 1)
        lossy { lostBytes = $0.bytesLost - lostBytes }
        try pair.expectExact(way, streams: 1, bytes: 2_000_003)
        let metrics = sender.pathMetrics()
        let now = try counts(sender).since(before)
        #expect(metrics.streamPacketsLost == UInt64(drops))
        #expect(now.spuriousLosses == 0 && now.probeTimeouts == 0)
        // Each packet has 29 to 45 bytes around its data: header, connection ID, number, frame header, tag.
        let resent = Int(try #require(now.streamBytesResent))
        #expect(lostBytes - 45 * drops...lostBytes - 29 * drops ~= resent)
    }

    @Test("through random loss no more is sent again than was declared lost", arguments: 1...3 as ClosedRange<UInt64>)
    func randomLoss(seed: UInt64) throws {
        let pair = try quietPair {
            $0.link = SimulatedLink(seed: seed)
            $0.link.rate = Bitrate(bitsPerSecond: 50_000_000)
        }
        let lost = pair.toServer.lost
        pair.toServer.loss = 0.01
        try pair.transfer(.upload, streams: 2, bytes: 5_000_003)
        let metrics = pair.client.pathMetrics()
        let packets = try #require(metrics.packets)
        let declared = try #require(metrics.streamPacketsLost), resent = try #require(packets.streamBytesResent)
        let probes = try 2 * #require(packets.probeTimeouts)
        #expect(pair.toServer.lost > lost)
        // Each stream counts a packet that holds data of both, and probes repeat data that may be under way. A few of the
        // client's packets are acknowledgements alone.
        #expect(declared + probes + 5 >= UInt64(pair.toServer.lost - lost))
        #expect(resent > 0 && resent <= 1444 * (declared + probes))
    }

    @Test("losses that turn out to be none are told, where nothing was lost at all")
    func spurious() throws {
        // What is held back is overtaken by a quarter of a round trip: twice the time threshold.
        let pair = try quietPair { $0.link.delay = .milliseconds(20) }
        pair.toServer.reordering = 0.01
        try pair.transfer(.upload, bytes: 5_000_003)
        let metrics = pair.client.pathMetrics()
        let packets = try #require(metrics.packets)
        try #require(pair.toServer.lost == 0)
        let declared = try #require(metrics.streamPacketsLost)
        try #require(declared > 10)
        let spurious = try #require(packets.spuriousLosses)
        #expect(spurious <= declared && spurious * 2 > declared, "\(spurious) of \(declared)")
    }

    @Test("a path that falls silent runs probe timeouts out, each twice as long as the one before")
    func probeTimeouts() throws {
        let pair = try quietPair()
        let before = try counts(pair.client)
        try pair.start(.upload, streams: 1, bytes: 3_000_003)
        try #require(try pair.run { $0.server?.receivedTotal ?? 0 > 300_000 })
        #expect(try counts(pair.client).since(before).probeTimeouts == 0)
        pair.toServer.isDead = true
        var seen: [MonotonicTime] = []
        try pair.run(limit: .seconds(4)) { pair in
            let count = Int(try self.counts(pair.client).since(before).probeTimeouts ?? 0)
            if count > seen.count { seen += Array(repeating: pair.now, count: count - seen.count) }
            return false
        }
        try #require(seen.count >= 4)
        for (first, (second, third)) in zip(seen, zip(seen.dropFirst(), seen.dropFirst(2))) {
            #expect(third - second == (second - first) * 2)
        }
        pair.toServer.isDead = false
        try pair.finish(.upload, streams: 1)
        try pair.expectExact(.upload, streams: 1, bytes: 3_000_003)
    }

    @Test("what the peer reports of marks is what the link did to them", arguments: Way.allCases)
    func marks(way: Way) throws {
        let pair = try quietPair()
        if way == .upload { pair.toServer.congestionMarking = 0.02 } else { pair.toClient.congestionMarking = 0.02 }
        try pair.transfer(way, bytes: 2_000_003)
        try pair.run(for: .seconds(3))
        let link = way == .upload ? pair.toServer : pair.toClient
        // Of the whole connection: what the peer reports comes a round trip behind.
        let now = try counts(try pair.sender(way))
        #expect(link.congestionMarked > 5)
        #expect(now.ceReported == UInt64(link.congestionMarked))
        #expect(now.ect1Reported == 0)
        #expect(now.isECNValidated == true)
        let unchanged = try #require(now.ect0Reported), marked = try #require(now.ceReported)
        let sent = try #require(now.sent)
        #expect(unchanged > 1000 && unchanged + marked <= sent)
    }

    @Test("without marks there are no counts of them")
    func unmarked() throws {
        let pair = try quietPair { $0.settings.usesECN = false }
        try pair.transfer(.upload, bytes: 300_007)
        let now = try counts(pair.client)
        #expect(now.ect0Reported == nil && now.ect1Reported == nil && now.ceReported == nil)
        #expect(now.isECNValidated == false)
    }

    @Test("a key update counts once at each end, whoever begins", arguments: libraries, Way.allCases)
    func keyUpdates(library: AEADLibrary, initiator: Way) throws {
        let pair = try quietPair { $0.settings.aead = library }
        #expect(try counts(pair.client).keyUpdates == 0 && counts(pair.server).keyUpdates == 0)
        try pair.client.openControl()
        for update in 1...3 as ClosedRange<UInt64> {
            try pair.sender(initiator).initiateKeyUpdate(now: pair.now)
            // The first byte confirms the keys, the second comes late enough to have the next ones derived.
            for _ in 0..<2 {
                pair.client.sendControl([1])
                pair.server?.sendControl([1])
                try pair.run(for: .seconds(1))
            }
            #expect(try counts(pair.client).keyUpdates == update)
            #expect(try counts(pair.server).keyUpdates == update)
        }
        try pair.transfer(.upload, bytes: 50_003)
        #expect(try counts(pair.client).keyUpdates == 3)
    }

    @Test("credit is what the receiver's window leaves, and is of streams that are under way")
    func credit() throws {
        let pair = try quietPair()
        #expect(pair.client.pathMetrics().connectionCredit == nil && pair.client.pathMetrics().streamCredit == nil)
        try pair.start(.upload, streams: 2)
        try #require(try pair.run { $0.server?.receivedTotal ?? 0 > 500_000 })
        let metrics = pair.client.pathMetrics()
        let settings = ConnectionSettings()
        let stream = try #require(metrics.streamCredit).bytes, connection = try #require(metrics.connectionCredit).bytes
        #expect(stream > 0 && stream <= settings.windowCeiling)
        #expect(connection > 0 && connection <= settings.windowCeiling)
        pair.client.finishPayload()
        try pair.finish(.upload, streams: 2)
        #expect(pair.client.pathMetrics().streamCredit == nil, "each stream is ended")
    }

    @Test("before the handshake is complete nothing is known")
    func tooEarly() throws {
        let pair = try makePair()
        #expect(pair.client.pathMetrics().packets == nil)
        try #require(try pair.run { $0.client.isHandshakeConfirmed })
        #expect(pair.client.pathMetrics().packets != nil)
        #expect(pair.clientEvents.count { $0 == .handshakeConfirmed } == 1)
        #expect(pair.serverEvents.count { $0 == .handshakeConfirmed } == 0)
    }
}
