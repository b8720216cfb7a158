internal import CQrateNgtcp2
import QrateDatagramProtocol
import QrateMeasurement
@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: payload in datagrams") struct DatagramTests {
    /// What came out at the receiver, behind a pointer as its callback needs it.
    private final class Inbox {
        struct Arrived {
            var sizes: [Int] = []
            var sequences: [UInt64] = []
            var bytes: UInt64 = 0
        }

        let arrived = UnsafeMutablePointer<Arrived>.allocate(capacity: 1)

        init() { arrived.initialize(to: Arrived()) }

        deinit {
            arrived.deinitialize(count: 1)
            arrived.deallocate()
        }

        func receive(on connection: QUICConnection) {
            connection.allowDatagrams(UnsafeMutableRawPointer(arrived)) { context, data, count, _ in
                let arrived = context.assumingMemoryBound(to: Arrived.self)
                let bytes = UnsafeRawBufferPointer(start: data, count: count)
                arrived.pointee.sizes.append(count)
                arrived.pointee.bytes += UInt64(count)
                if let header = DataHeader(bytes) { arrived.pointee.sequences.append(header.sequence) }
            }
        }
    }

    private func start(
        _ pair: ConnectionPair, _ way: Way, _ inbox: Inbox, unit: Int? = nil, bytes: UInt64? = nil,
        duration: Duration? = nil
    ) throws {
        inbox.receive(on: try pair.receiver(way))
        let sender = try pair.sender(way)
        try #require(try pair.run { _ in sender.availableStreams >= 1 })
        try sender.startDatagrams(
            flow: 0, unit: unit, content: .random, byteBudget: bytes, duration: duration, now: pair.now)
    }

    private func sentCount(_ pair: ConnectionPair, _ way: Way) -> UInt64? {
        for event in way == .upload ? pair.serverEvents : pair.clientEvents {
            if case .datagramsSent(let count) = event { return count }
        }
        return nil
    }

    @Test(
        "a budget goes out in whole numbered datagrams, and the end tells how many", arguments: Way.allCases,
        [(100_000, 1000, 100), (100_015, 1000, 100), (100_016, 1000, 101), (16, 1000, 1), (15, 1000, 0), (48, 16, 3)]
            as [(UInt64, Int, UInt64)])
    func budget(way: Way, plan: (bytes: UInt64, unit: Int, count: UInt64)) throws {
        let pair = try connectedPair()
        let inbox = Inbox()
        try start(pair, way, inbox, unit: plan.unit, bytes: plan.bytes)
        try #require(try pair.run { _ in sentCount(pair, way) != nil })
        try pair.run(for: .milliseconds(100))
        #expect(sentCount(pair, way) == plan.count)
        #expect(inbox.arrived.pointee.sequences == Array(0..<plan.count))
        #expect(
            inbox.arrived.pointee.bytes == (plan.bytes % 1000 < 16 ? plan.bytes / 1000 * 1000 : plan.bytes)
                || plan.unit == 16)
        #expect(try pair.sentTotal(way) == inbox.arrived.pointee.bytes)
        #expect(try pair.receiver(way).finishedStreams == 1)
        #expect(try pair.receiver(way).receivedTotal == 0, "the tail marker is no payload")
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("without a size they fill their packets, and grow with the path", arguments: Way.allCases)
    func fills(way: Way) throws {
        // Nothing but the path bounds datagrams.
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 50_000_000) }
        let inbox = Inbox()
        try start(pair, way, inbox, duration: .milliseconds(200))
        try #require(try pair.run { _ in sentCount(pair, way) != nil })
        let sizes = inbox.arrived.pointee.sizes
        let largest = try #require(sizes.max())
        #expect(largest >= 1444 - 38 && largest <= 1444 - 32)
        #expect(try pair.sender(way).datagramUnit == largest)
        let link = way == .upload ? pair.toServer : pair.toClient
        #expect(link.largestSent <= 1444 && link.largestSent > 1440)
        #expect(pair.largestBatch > 10, "they are sent in runs")
    }

    @Test("with loss, what is missing is missing for good", arguments: Way.allCases)
    func loss(way: Way) throws {
        let pair = try connectedPair {
            $0.link = SimulatedLink(seed: 5)
            $0.link.loss = 0.05
        }
        let inbox = Inbox()
        try start(pair, way, inbox, unit: 500, bytes: 500_000)
        try #require(
            try pair.run(limit: .seconds(100)) { _ in sentCount(pair, way) != nil },
            "\(pair.clientEndings) \(pair.serverEndings)")
        try pair.run(for: .seconds(1))
        let sequences = inbox.arrived.pointee.sequences
        #expect(sentCount(pair, way) == 1000)
        #expect(sequences.count < 1000 && sequences.count > 800)
        #expect(Set(sequences).count == sequences.count, "none came twice")
        #expect(try pair.sender(way).pathMetrics().streamPacketsLost == nil, "not known, and not 0")
    }

    @Test("the allowance holds for whole datagrams, and a pause for all")
    func paced() throws {
        let pair = try connectedPair()
        let inbox = Inbox()
        try start(pair, .upload, inbox, unit: 1000, duration: .seconds(100))
        pair.client.payloadAllowance = 2999
        try pair.run(for: .seconds(1))
        #expect(inbox.arrived.pointee.sizes == [1000, 1000])
        #expect(pair.client.payloadAllowance == 999)
        pair.client.setPayloadPaused(true, now: pair.now)
        pair.client.payloadAllowance = .max
        try pair.run(for: .seconds(1))
        #expect(inbox.arrived.pointee.sizes.count == 2)
        pair.client.finishPayload()
        #expect(try pair.run { _ in sentCount(pair, .upload) == 2 })
    }

    @Test("who expects none drops them, and the connection lives on")
    func unexpected() throws {
        let pair = try connectedPair()
        pair.server?.allowPayload(streams: 1)
        try #require(try pair.run { $0.client.availableStreams >= 1 })
        try pair.client.startDatagrams(
            flow: 0, unit: 100, content: .zeros, byteBudget: 1000, duration: nil, now: pair.now)
        try #require(try pair.run { $0.client.isPayloadSent == true })
        try pair.run(for: .seconds(1))
        #expect(pair.server?.receivedTotal == UInt64(TailMarker.byteCount), "it is a stream like any other")
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("an end that is no marker is not believed, and one that never ends is refused")
    func hostileTail() throws {
        for bytes: UInt64 in [3, 16, 17, 5000] {
            let pair = try connectedPair()
            let inbox = Inbox()
            inbox.receive(on: try #require(pair.server))
            try #require(try pair.run { $0.client.availableStreams >= 1 })
            try pair.client.startPayload(streams: 1, byteBudget: bytes, duration: nil, now: pair.now)
            try pair.run(for: .seconds(1))
            #expect(sentCount(pair, .upload) == nil)
            #expect(pair.serverEndings.isEmpty == (bytes <= 16))
        }
    }
}
