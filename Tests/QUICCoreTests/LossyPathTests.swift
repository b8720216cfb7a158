import QrateMeasurement
@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: lossy paths") struct LossyPathTests {
    @Test(
        "exact bytes at 1 % and at 10 % loss each way, with every congestion controller",
        arguments: CongestionController.allCases, [0.01, 0.1])
    func loss(controller: CongestionController, share: Double) throws {
        for way in Way.allCases {
            let pair = try connectedPair {
                $0.settings.congestionController = controller
                $0.settings.handshakeTimeout = .seconds(60)
                $0.link = SimulatedLink(seed: 7)
                $0.link.loss = share
            }
            try pair.transfer(way, streams: 3, bytes: share < 0.1 ? 1_500_007 : 400_009)
            #expect(try pair.sender(way).congestionController == controller)
            let lost = try #require(try pair.sender(way).pathMetrics().streamPacketsLost)
            #expect(lost > 0)
        }
    }

    @Test(
        "exact bytes with reordering, duplicates, and with everything at once",
        arguments: CongestionController.allCases,
        [(0, 0.3, 0), (0, 0, 0.3), (0.05, 0.2, 0.2)] as [(Double, Double, Double)])
    func disorder(controller: CongestionController, faults: (loss: Double, reordering: Double, duplication: Double))
        throws
    {
        for way in Way.allCases {
            let pair = try connectedPair {
                $0.settings.congestionController = controller
                $0.settings.handshakeTimeout = .seconds(60)
                $0.link = SimulatedLink(seed: 11)
                $0.link.loss = faults.loss
                $0.link.reordering = faults.reordering
                $0.link.duplication = faults.duplication
            }
            try pair.transfer(way, streams: 5, bytes: 400_009)
        }
    }

    @Test("a full queue loses datagrams, and every byte arrives all the same", arguments: CongestionController.allCases)
    func bottleneck(controller: CongestionController) throws {
        let pair = try connectedPair {
            $0.settings.congestionController = controller
            $0.link.rate = Bitrate(bitsPerSecond: 20_000_000)
            $0.link.queueLimit = .milliseconds(10)
        }
        try pair.transfer(.upload, streams: 2, bytes: 1_000_003)
    }

    @Test("nothing counts as lost on a link that loses nothing", arguments: Way.allCases)
    func clean(way: Way) throws {
        let pair = try connectedPair()
        try pair.client.openControl()
        pair.client.sendControl([1, 2, 3])
        pair.client.finishControl()
        pair.server?.finishControl()
        try pair.transfer(way, streams: 16, bytes: 1_000_003)
        #expect(pair.toServer.lost == 0 && pair.toClient.lost == 0)
        #expect(try pair.sender(way).pathMetrics().streamPacketsLost == 0)
        #expect(try pair.receiver(way).pathMetrics().streamPacketsLost == nil, "it sent none that could be lost")
    }

    @Test("losses on the control stream aren't payload's, also once that stream is closed")
    func controlLosses() throws {
        let pair = try connectedPair()
        try pair.transfer(.upload, bytes: 10_000)
        try pair.client.openControl()
        pair.client.sendControl([1])
        try #require(try pair.run { $0.controlAtServer == [1] })

        // Several flights, of which the first datagrams vanish.
        pair.toServer.dropsNext = 3
        pair.client.sendControl([UInt8](repeating: 2, count: 20_000))
        pair.client.finishControl()
        pair.server?.finishControl()
        try #require(try pair.run { $0.controlAtServer.count == 20_001 })
        try pair.run(for: .seconds(1))
        #expect(pair.toServer.lost >= 3)
        #expect(pair.client.unacknowledgedControl == 0)
        #expect(pair.client.pathMetrics().streamPacketsLost == 0)
    }

    @Test(
        "what is sent again is what was lost: the receiver's bytes are the pattern's",
        arguments: 1...8 as ClosedRange<UInt64>)
    func content(seed: UInt64) throws {
        let pair = try connectedPair {
            $0.settings.handshakeTimeout = .seconds(60)
            $0.link = SimulatedLink(seed: seed)
            $0.link.loss = 0.1
            $0.link.reordering = 0.1
        }
        // As much as the receiver keeps, so that it is all there at the end.
        let count = ConnectionState.sinkSize
        try pair.transfer(.upload, bytes: UInt64(count))
        #expect(pair.toServer.lost > 0)
        let sink = UnsafeRawBufferPointer(start: try #require(pair.server).state.pointee.sink, count: count)
        for start in stride(from: 0, to: count, by: PayloadPattern.period) {
            let expected = UnsafeRawBufferPointer(start: PayloadPattern.block, count: PayloadPattern.period)
            #expect(sink[start..<start + PayloadPattern.period].elementsEqual(expected))
        }
    }
}
