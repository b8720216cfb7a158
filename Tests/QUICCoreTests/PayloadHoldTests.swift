import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: what holds payload back") struct PayloadHoldTests {
    /// For how long each was it during a second of an upload over 50 Mbit/s and 40 ms, once it has run for another.
    private func holds(
        streams: Int = 1, adjust: (inout ConnectionPair.Options) -> Void = { _ in }
    ) throws -> [PayloadHold?: Duration] {
        let pair = try connectedPair {
            $0.link.delay = .milliseconds(20)
            $0.link.rate = Bitrate(bitsPerSecond: 50_000_000)
            adjust(&$0)
        }
        try pair.start(.upload, streams: streams)
        try pair.run(for: .seconds(1))
        var holds: [PayloadHold?: Duration] = [:]
        var last = (hold: pair.client.payloadHold, at: pair.now)
        let end = pair.now + .seconds(1)
        try pair.run { pair in
            holds[last.hold, default: .zero] += pair.now - last.at
            last = (pair.client.payloadHold, pair.now)
            return pair.now >= end
        }
        return holds
    }

    private func share(_ hold: PayloadHold, _ holds: [PayloadHold?: Duration]) -> Double {
        (holds[hold] ?? .zero) / holds.values.reduce(.zero, +)
    }

    @Test("a link that takes no more fills the congestion window")
    func congestionWindow() throws {
        let holds = try holds()
        #expect(share(.congestionWindow, holds) > 0.8, "\(holds)")
    }

    @Test("a window of half the path's product is flow control's", arguments: [1, 4])
    func flowControl(streams: Int) throws {
        let holds = try holds(streams: streams) { $0.settings.windowCeiling = 125_000 }
        #expect(share(.flowControl, holds) > 0.8, "\(holds)")
    }

    @Test("an allowance that is used up is that, and control goes on")
    func allowance() throws {
        let pair = try connectedPair()
        try pair.start(.upload, streams: 2)
        pair.client.payloadAllowance = 10_000
        try pair.run(for: .seconds(1))
        #expect(pair.client.payloadHold == .allowance)
    }

    @Test("without a job, in a pause and after the last byte there is nothing to send")
    func nothing() throws {
        let pair = try connectedPair()
        #expect(pair.client.payloadHold == .nothingToSend)
        try pair.start(.upload, streams: 1, bytes: 50_000_000)
        try pair.run(for: .milliseconds(1))
        pair.client.setPayloadPaused(true, now: pair.now)
        #expect(pair.client.payloadHold == .nothingToSend)
        pair.client.setPayloadPaused(false, now: pair.now)
        #expect(pair.client.payloadHold != .nothingToSend)
        try pair.finish(.upload, streams: 1)
        #expect(pair.client.payloadHold == .nothingToSend)
        #expect(pair.server?.payloadHold == .nothingToSend)
    }
}
