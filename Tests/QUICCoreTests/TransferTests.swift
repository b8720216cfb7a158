import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("two connections in memory: transfers") struct TransferTests {
    @Test("the handshake completes and agrees on AES-128-GCM and the protocol")
    func handshake() throws {
        let pair = try ConnectionPair(.init(identity: testIdentity()))
        #expect(try pair.handshake())
        #expect(pair.client.cipher == "AES-128-GCM")
        #expect(pair.server?.applicationProtocol == "qrate/1")
    }

    @Test("N streams carry exactly their budget, upload", arguments: [1, 2, 16, 128])
    func upload(streams: Int) throws {
        let pair = try ConnectionPair(.init(identity: testIdentity()))
        try #require(try pair.handshake())
        try pair.transferUpload(streams: streams, bytes: 3_000_001)
        #expect(pair.server?.receivedTotal == 3_000_001)
        #expect(pair.server?.finishedStreams == streams)
    }
}

/// One self-made certificate for all tests of this module.
func testIdentity() throws -> ServerIdentity { try ServerIdentity.kept(in: "/tmp/qrate-test-id", names: []) }

extension ConnectionPair {
    /// Sends `bytes` from client to server on `streams` streams, until all have arrived and ended.
    @discardableResult
    func transferUpload(streams: Int, bytes: UInt64, limit: Duration = .seconds(600)) throws -> Bool {
        server?.allowPayload(streams: streams)
        try #require(try run { $0.client.availableStreams >= streams })
        try client.startPayload(streams: streams, byteBudget: bytes, duration: nil, now: now)
        return try run(limit: limit) { $0.server?.finishedStreams == streams }
    }
}
