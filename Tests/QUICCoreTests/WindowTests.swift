import CQrateNgtcp2
import QrateMeasurement
@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: flow control") struct WindowTests {
    private struct Most {
        /// Payload that was sent and hadn't arrived.
        var underWay: UInt64 = 0
        /// The same, and what the sender could have sent besides for all that the receiver allowed.
        var allowed: UInt64 = 0
    }

    /// The most of both during an upload on a path with a round trip of 100 ms.
    private func most(bytes: UInt64, streams: Int = 1, windowCeiling: UInt64) throws -> Most {
        let pair = try connectedPair {
            $0.settings.windowCeiling = windowCeiling
            $0.link.delay = .milliseconds(50)
        }
        let server = try #require(pair.server)
        try pair.start(.upload, streams: streams, bytes: bytes)
        var most = Most()
        try #require(
            try pair.run(limit: .seconds(600)) { pair in
                let underWay = try pair.sentTotal(.upload) - server.receivedTotal
                let credit = ngtcp2_conn_get_max_data_left(pair.client.state.pointee.conn)
                most.underWay = max(most.underWay, underWay)
                most.allowed = max(most.allowed, underWay + credit)
                return server.finishedStreams == streams
            })
        try pair.expectExact(.upload, streams: streams, bytes: bytes)
        return most
    }

    @Test("on a long path the credit grows beyond the 16 MiB that a test begins with")
    func grows() throws {
        let most = try most(bytes: 80 << 20, windowCeiling: ConnectionSettings.windowLimit)
        #expect(most.underWay > 20 << 20)
        #expect(most.allowed <= ConnectionSettings.windowLimit)
    }

    @Test("credit stops at the ceiling, below and above what a test begins with", arguments: [1, 3, 18] as [UInt64])
    func ceiling(mebibytes: UInt64) throws {
        let ceiling = mebibytes << 20
        let most = try most(bytes: ceiling * 5 / 2 + 3, windowCeiling: ceiling)
        #expect(most.underWay <= ceiling && most.underWay > ceiling / 2)
        #expect(most.allowed <= ceiling && most.allowed > ceiling / 10 * 9)
    }

    @Test("the ceiling is the connection's, however many streams share it")
    func manyStreams() throws {
        let most = try most(bytes: 8 << 20, streams: 16, windowCeiling: 2 << 20)
        #expect(most.allowed <= 2 << 20)
    }

    @Test("a ceiling below what a connection begins with holds from its beginning", arguments: [16, 100] as [UInt64])
    func low(kibibytes: UInt64) throws {
        let most = try most(bytes: 1 << 20, windowCeiling: kibibytes << 10)
        #expect(most.allowed <= kibibytes << 10)
        #expect(most.underWay > kibibytes << 9)
    }

    @Test("a ceiling stays within its limits")
    func lowest() {
        var settings = ConnectionSettings()
        settings.windowCeiling = 5
        #expect(settings.windowCeiling == ConnectionSettings.windowLimits.lowerBound)
        #expect(settings.initialConnectionWindow == settings.windowCeiling)
        #expect(settings.testCredit == 0)
        settings.windowCeiling = .max
        #expect(settings.windowCeiling == ConnectionSettings.windowLimit)
    }

    @Test("before a test is agreed on, a stranger can make the server hold no more than the first credit")
    func beforeATest() throws {
        let pair = try connectedPair()
        pair.consumesControl = false
        try pair.client.openControl()
        pair.client.sendControl([UInt8](repeating: 1, count: 2 << 20))
        try pair.run(for: .seconds(5))
        #expect(UInt64(pair.controlAtServer.count) <= ConnectionSettings().initialConnectionWindow)
        #expect(pair.client.availableStreams == 0)
    }
}
