import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: what the path carries") struct PathTests {
    // MARK: Datagram size

    @Test(
        "discovery finds the largest of its sizes that the path carries",
        arguments: [(65_535, 1444), (1452, 1444), (1444, 1444), (1443, 1406), (1400, 1342), (1280, 1232), (1200, 1200)])
    func discovery(pathLimit: Int, found: UInt64) throws {
        let pair = try connectedPair { $0.link.largestPayload = pathLimit }
        try pair.transfer(.upload, bytes: 300_007)
        try pair.transfer(.download, bytes: 300_007)
        try pair.run(for: .seconds(10))
        for way in Way.allCases {
            #expect(try pair.sender(way).pathMetrics().maxUDPPayload == ByteCount(found))
        }
        try #require(pair.toServer.largestCarried <= pathLimit)
    }

    @Test(
        "no datagram is larger than the settings allow, whatever the path carries", arguments: [1452, 1444, 1300, 1200])
    func ceiling(limit: Int) throws {
        let pair = try connectedPair { $0.settings.maxUDPPayload = limit }
        try pair.transfer(.upload, bytes: 300_007)
        try pair.transfer(.download, bytes: 300_007)
        #expect(pair.toServer.largestSent <= limit)
        #expect(pair.toClient.largestSent <= limit)
    }

    @Test("without discovery datagrams stay at 1200 bytes")
    func withoutDiscovery() throws {
        let pair = try connectedPair { $0.settings.discoversPathMTU = false }
        try pair.transfer(.upload, bytes: 100_003)
        #expect(pair.toServer.largestSent == 1200)
        #expect(pair.client.pathMetrics().maxUDPPayload == ByteCount(1200))
    }

    @Test(
        "a fixed size is what full datagrams have, also beyond what discovery finds",
        arguments: [1201, 1300, 8972, 60_000])
    func fixedSize(size: Int) throws {
        let pair = try connectedPair {
            $0.settings.maxUDPPayload = size
            $0.settings.ignoresPathMTU = true
        }
        #expect(pair.toServer.largestSent <= 1200, "the handshake goes through everywhere")
        try pair.transfer(.upload, bytes: 3_000_007)
        try pair.transfer(.download, bytes: 3_000_007)
        #expect(pair.toServer.largestSent == size)
        #expect(pair.toClient.largestSent == size)
        #expect(pair.client.pathMetrics().maxUDPPayload == ByteCount(UInt64(size)))
    }

    @Test("datagrams carry the code point, and the ECN bits stay QUIC's")
    func typeOfService() throws {
        let pair = try connectedPair { $0.settings.typeOfService = 0xbb }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        try pair.client.openControl()
        pair.client.sendControl([1])
        let batch = try #require(pair.client.pollTransmit(into: buffer, limit: 1, now: pair.now))
        #expect(batch.typeOfService & 0xfc == 0xb8, "the code point is the user's")
        #expect(batch.ecn == batch.typeOfService & 3 && batch.ecn != 3, "the mark is QUIC's")
    }

    // MARK: ECN

    @Test("marks that survive are validated at each sender", arguments: Way.allCases)
    func validated(way: Way) throws {
        let pair = try connectedPair()
        #expect(pair.client.ecnValidated == nil, "too early to tell")
        try pair.transfer(way, bytes: 300_007)
        #expect(try pair.sender(way).ecnValidated == true)
    }

    @Test("marks that vanish on the path aren't sent any more, and nothing else changes", arguments: Way.allCases)
    func bleached(way: Way) throws {
        let pair = try connectedPair { $0.link.bleachesECN = true }
        try pair.transfer(way, bytes: 300_007)
        #expect(try pair.sender(way).ecnValidated == false)
        #expect((way == .upload ? pair.toServer : pair.toClient).marked <= 10)
        #expect(try pair.sender(way).pathMetrics().streamPacketsLost == 0)
    }

    @Test("marks that begin to vanish later are noticed")
    func bleachedLater() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 1, bytes: 1_000_003)
        try #require(try pair.run { $0.client.ecnValidated == true })
        pair.toServer.bleachesECN = true
        try pair.finish(.upload, streams: 1)
        try pair.expectExact(.upload, streams: 1, bytes: 1_000_003)
        #expect(pair.client.ecnValidated == false)
    }

    @Test("with ECN switched off no datagram is marked")
    func switchedOff() throws {
        let pair = try connectedPair { $0.settings.usesECN = false }
        try pair.transfer(.upload, bytes: 300_007)
        #expect(pair.client.ecnValidated == false)
        #expect(pair.toServer.marked == 0 && pair.toClient.marked == 0)
    }

    @Test(
        "a congestion mark shrinks the window as a loss would, without one",
        arguments: [CongestionController.cubic, .reno])
    func congestionMarks(controller: CongestionController) throws {
        func run(marking: Double) throws -> QUICPathMetrics {
            let pair = try connectedPair {
                $0.settings.congestionController = controller
                $0.link.congestionMarking = marking
            }
            try pair.transfer(.upload, bytes: 1_000_003)
            #expect(pair.client.ecnValidated == true)
            #expect(pair.toServer.lost == 0)
            return pair.client.pathMetrics()
        }
        let marked = try run(marking: 0.02), unmarked = try run(marking: 0)
        #expect(marked.streamPacketsLost == 0)
        #expect(unmarked.slowStartThreshold == nil)
        let threshold = try #require(marked.slowStartThreshold)
        let window = try #require(unmarked.congestionWindow)
        #expect(threshold < window)
    }

    // MARK: Another address

    @Test(
        "a client that shows up from another port is followed there, mid-transfer: once, and to and fro",
        arguments: Way.allCases, [1, 20])
    func rebinding(way: Way, times: Int) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        try pair.start(way, streams: 2, bytes: 1_500_007)
        for round in 0..<times {
            try pair.run(for: .milliseconds(12))
            pair.rebindClient(toPort: round % 2 == 0 ? 40_001 : 40_000)
        }
        try pair.finish(way, streams: 2)
        try pair.expectExact(way, streams: 2, bytes: 1_500_007)
    }

    @Test("an idle client that shows up from another port is followed there")
    func rebindingWhileIdle() throws {
        let pair = try connectedPair()
        try pair.run(for: .seconds(5))
        pair.rebindClient(toPort: 40_001)
        try pair.client.openControl()
        pair.client.sendControl([5])
        #expect(try pair.run { $0.controlAtServer == [5] })
        pair.server?.sendControl([6])
        #expect(try pair.run { $0.controlAtClient == [6] })
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }
}
