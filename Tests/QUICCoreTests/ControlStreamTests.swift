import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: the control stream") struct ControlStreamTests {
    /// A control conversation's worth of bytes, different at each position.
    private static func text(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SplitMix64(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    @Test(
        "bytes arrive in order, in pieces of any size, beside payload in both directions",
        arguments: [1, 7, 1200, 5_000, 65_536])
    func beside(pieceSize: Int) throws {
        let pair = try connectedPair {
            $0.link.rate = Bitrate(bitsPerSecond: 60_000_000)
            $0.link.loss = 0.01
        }
        let server = try #require(pair.server)
        let up = Self.text(pieceSize * 3 + 20, seed: 1), down = Self.text(pieceSize * 2 + 33, seed: 2)
        try pair.start(.upload, streams: 2)
        try pair.start(.download, streams: 2)
        try pair.client.openControl()

        for offset in stride(from: 0, to: up.count, by: pieceSize) {
            pair.client.sendControl(Array(up[offset..<min(offset + pieceSize, up.count)]))
            try pair.run(for: .milliseconds(2))
        }
        for offset in stride(from: 0, to: down.count, by: pieceSize) {
            server.sendControl(Array(down[offset..<min(offset + pieceSize, down.count)]))
            try pair.run(for: .milliseconds(2))
        }
        #expect(try pair.run { $0.controlAtServer.count >= up.count && $0.controlAtClient.count >= down.count })
        #expect(pair.controlAtServer == up)
        #expect(pair.controlAtClient == down)
        #expect(server.receivedTotal > 0 && pair.client.receivedTotal > 0, "payload flowed meanwhile")
        #expect(try pair.run { $0.client.unacknowledgedControl == 0 && server.unacknowledgedControl == 0 })
    }

    @Test("more than 256 KiB isn't let in before what came was consumed")
    func credit() throws {
        let limit = 256 << 10
        let pair = try connectedPair()
        pair.consumesControl = false
        let text = Self.text(limit + 100_000, seed: 3)
        try pair.client.openControl()
        pair.client.sendControl(text)
        try pair.run(for: .seconds(5))
        #expect(pair.controlAtServer.count == limit)

        pair.server?.consumedControl(1_000)
        try pair.run(for: .seconds(5))
        #expect(pair.controlAtServer.count == limit, "credit is told in portions")

        pair.consumesControl = true
        pair.server?.consumedControl(limit - 1_000)
        #expect(try pair.run { $0.controlAtServer.count == text.count })
        #expect(pair.controlAtServer == text)
    }

    @Test("an unread control stream doesn't hold payload up")
    func blockedControl() throws {
        let pair = try connectedPair()
        pair.consumesControl = false
        try pair.client.openControl()
        pair.client.sendControl(Self.text(300_000, seed: 4))
        try pair.transfer(.upload, streams: 2, bytes: 2_000_003)
        try pair.transfer(.download, bytes: 1_000_003)
    }

    @Test("each end can finish its half, with its last byte or after it")
    func finishing() throws {
        let pair = try connectedPair()
        try pair.client.openControl()
        pair.client.sendControl([1, 2, 3])
        pair.client.finishControl()
        #expect(try pair.run { $0.serverEvents.contains(.controlEnded) })
        #expect(pair.controlAtServer == [1, 2, 3])
        #expect(!pair.clientEvents.contains(.controlEnded))

        pair.server?.sendControl([4, 5])
        #expect(try pair.run { $0.controlAtClient == [4, 5] })
        pair.server?.finishControl()
        pair.server?.sendControl([6])  // too late
        #expect(try pair.run { $0.clientEvents.contains(.controlEnded) })
        try pair.run(for: .seconds(1))
        #expect(pair.controlAtClient == [4, 5])
        #expect(pair.clientEvents.count { $0 == .controlEnded } == 1)
        #expect(pair.serverEvents.count { $0 == .controlEnded } == 1)
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)
    }

    @Test("what a server says before the client opened the stream waits, and breaks nothing")
    func serverSpeaksFirst() throws {
        let pair = try connectedPair()
        pair.server?.sendControl([9, 8, 7])
        try pair.run(for: .seconds(1))
        #expect(pair.clientEndings.isEmpty && pair.serverEndings.isEmpty)

        try pair.client.openControl()
        pair.client.sendControl([1])
        #expect(try pair.run { $0.controlAtClient == [9, 8, 7] })
        #expect(pair.controlAtServer == [1])
    }

    @Test("there is one control stream, and only the client opens it")
    func oneStream() throws {
        let pair = try connectedPair()
        try pair.client.openControl()
        #expect(throws: QUICError.self) { try pair.client.openControl() }
        #expect(throws: QUICError.self) { try pair.server?.openControl() }
    }
}
