import QrateDatagramProtocol
import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: latency probes") struct ProbeTests {
    private let token = FlowToken.random()

    private func probe(_ sequence: UInt64) -> [UInt8] { LatencyProbe(token: token, sequence: sequence).encoded }

    private func arrived(_ events: [QUICEvent]) -> [(probe: LatencyProbe, time: MonotonicTime)] {
        events.compactMap { event in
            guard case .latencyProbe(let bytes, let time) = event else { return nil }
            return bytes.withUnsafeBytes { LatencyProbe($0) }.map { ($0, time) }
        }
    }

    @Test("a probe takes the path's delay and no more, on a connection that has nothing else to say")
    func idle() throws {
        let pair = try connectedPair { $0.link.delay = .milliseconds(20) }
        let server = try #require(pair.server)
        server.allowProbes()
        try pair.run(for: .milliseconds(200))
        for sequence in 0..<3 as Range<UInt64> {
            let start = pair.now
            pair.client.sendProbe(probe(sequence))
            try #require(try pair.run { _ in arrived(pair.serverEvents).count == Int(sequence) + 1 })
            #expect(arrived(pair.serverEvents).last?.time == start + .milliseconds(20))
        }
        #expect(arrived(pair.serverEvents).map(\.probe.sequence) == [0, 1, 2])
    }

    @Test("probes share packets with payload, whose bytes all arrive, and don't cut its batches short")
    func loaded() throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 50_000_000) }
        let server = try #require(pair.server)
        server.allowProbes()
        try pair.start(.upload, streams: 2, bytes: 2_000_000)
        var sent: UInt64 = 0
        while server.finishedStreams < 2 {
            pair.client.sendProbe(probe(sent))
            sent += 1
            try pair.run(for: .milliseconds(10))
            try #require(sent < 10_000)
        }
        try pair.run(for: .milliseconds(200))
        #expect(server.receivedTotal == 2_000_000)
        #expect(arrived(pair.serverEvents).map(\.probe.sequence) == Array(0..<sent))
        #expect(pair.largestBatch > 10)
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("beside payload in datagrams, each comes out where it belongs")
    func besideDatagrams() throws {
        let pair = try connectedPair()
        let server = try #require(pair.server)
        let counts = UnsafeMutablePointer<[Int]>.allocate(capacity: 1)
        counts.initialize(to: [])
        defer {
            counts.deinitialize(count: 1)
            counts.deallocate()
        }
        server.allowDatagrams(UnsafeMutableRawPointer(counts)) { context, _, count, _ in
            context.assumingMemoryBound(to: [Int].self).pointee.append(count)
        }
        server.allowProbes()
        try #require(try pair.run { _ in pair.client.availableStreams >= 1 })
        try pair.client.startDatagrams(
            flow: 0, unit: 40, content: .random, byteBudget: 40_000, duration: nil, now: pair.now)
        for sequence in 0..<20 as Range<UInt64> { pair.client.sendProbe(probe(sequence)) }
        try #require(try pair.run { _ in server.finishedStreams == 1 })
        #expect(counts.pointee.count == 1000)
        #expect(arrived(pair.serverEvents).count == 20)
    }

    @Test("a lost probe isn't sent again")
    func loss() throws {
        let pair = try connectedPair {
            $0.link = SimulatedLink(seed: 5)
            $0.link.loss = 0.2
        }
        let server = try #require(pair.server)
        server.allowProbes()
        for sequence in 0..<100 as Range<UInt64> {
            pair.client.sendProbe(probe(sequence))
            try pair.run(for: .milliseconds(20))
        }
        try pair.run(for: .seconds(5))
        let sequences = arrived(pair.serverEvents).map(\.probe.sequence)
        #expect(50...99 ~= sequences.count)
        #expect(Set(sequences).count == sequences.count)
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("to a connection that takes none they mean nothing, and a flood of them is cut off")
    func unwanted() throws {
        let pair = try connectedPair()
        let server = try #require(pair.server)
        pair.client.sendProbe(probe(0))
        try pair.run(for: .milliseconds(100))
        #expect(arrived(pair.serverEvents).isEmpty)
        server.allowProbes()
        for sequence in 1...5000 as ClosedRange<UInt64> { pair.client.sendProbe(probe(sequence)) }
        try pair.run(for: .seconds(1))
        #expect(arrived(pair.serverEvents).count == 256)
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }
}
