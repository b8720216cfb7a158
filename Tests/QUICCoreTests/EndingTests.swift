import QrateMeasurement
@testable import QrateQUICCore
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("two connections in memory: how they end") struct EndingTests {
    private func close(_ pair: ConnectionPair, _ way: Way, code: UInt64 = 7, reason: String = "done") throws {
        try pair.sender(way).close(code: code, reason: reason)
    }

    private func endings(_ pair: ConnectionPair, at end: Way) -> [QUICEnding] {
        end == .upload ? pair.clientEndings : pair.serverEndings
    }

    // MARK: Closing

    @Test(
        "code and reason reach the peer, and both ends are finished three probe timeouts later", arguments: Way.allCases
    )
    func closing(way: Way) throws {
        let pair = try connectedPair()
        try pair.run(for: .seconds(1))
        let closing = try pair.sender(way), other = try pair.receiver(way)
        try close(pair, way, code: 42, reason: "the test is over")
        let beginning = pair.now
        let closingTime = Duration.nanoseconds(Int64(closing.closingTime))
        try #require(try pair.run { _ in closing.isFinished })
        #expect(pair.now - beginning == closingTime)
        try #require(try pair.run { _ in other.isFinished })
        #expect(pair.now - beginning < closingTime * 2)

        #expect(endings(pair, at: way) == [.closedHere])
        let seen = way == .upload ? pair.serverEndings : pair.clientEndings
        #expect(seen == [.closedByPeer(code: 42, reason: "the test is over")])
        #expect(closing.expiry == .never && other.expiry == .never)
    }

    @Test("a reason is cut to 128 bytes between characters", arguments: ["é", "ж", "日", "🛰"])
    func longReason(character: String) throws {
        let pair = try connectedPair()
        try close(pair, .upload, reason: "x" + String(repeating: character, count: 200))
        try #require(try pair.run { !$0.serverEndings.isEmpty })
        let fitting = 127 / character.utf8.count
        #expect(
            pair.serverEndings
                == [.closedByPeer(code: 7, reason: "x" + String(repeating: character, count: fitting))])
    }

    @Test("the largest code and an empty reason arrive as they are")
    func extremes() throws {
        let pair = try connectedPair()
        try close(pair, .download, code: (1 << 62) - 1, reason: "")
        try #require(try pair.run { !$0.clientEndings.isEmpty })
        #expect(pair.clientEndings == [.closedByPeer(code: (1 << 62) - 1, reason: "")])
    }

    @Test("a peer that missed the close and goes on is told again", arguments: Way.allCases)
    func strays(way: Way) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        // The end that closes is the one that receives.
        try pair.start(way, streams: 1)
        try pair.run(for: .milliseconds(100))
        if way == .upload { pair.toClient.dropsNext = 1 } else { pair.toServer.dropsNext = 1 }
        try pair.receiver(way).close(code: 5, reason: "enough")
        try #require(try pair.run { _ in !endings(pair, at: way).isEmpty })
        #expect(endings(pair, at: way) == [.closedByPeer(code: 5, reason: "enough")])
        #expect((way == .upload ? pair.toClient : pair.toServer).lost >= 1)
        let server = try #require(pair.server)
        #expect(try pair.run { $0.client.isFinished && server.isFinished })
    }

    @Test("strays are answered ever more seldom")
    func answersThinOut() throws {
        let pair = try connectedPair()
        try close(pair, .upload)
        pair.toServer.isDead = true
        try pair.run(for: .zero)
        let before = pair.toServer.carried + pair.toServer.lost
        for _ in 0..<1000 {
            pair.deliverToClient(.init(bytes: [UInt8](repeating: 0x40, count: 50)))
            try pair.run(for: .zero)
        }
        let answers = pair.toServer.carried + pair.toServer.lost - before
        #expect(answers == 10, "at the strays 1, 2, 4, ... 512")
    }

    @Test("an end that was closed by its peer sends nothing any more", arguments: Way.allCases)
    func draining(way: Way) throws {
        let pair = try connectedPair { $0.link.rate = Bitrate(bitsPerSecond: 40_000_000) }
        try pair.start(.upload, streams: 2)
        try pair.start(.download, streams: 2)
        try pair.run(for: .milliseconds(50))
        let drained: Way = way == .upload ? .download : .upload
        try close(pair, way)
        try #require(try pair.run { _ in !endings(pair, at: drained).isEmpty })
        func sent() -> Int { drained == .upload ? pair.toServer.bytesSent : pair.toClient.bytesSent }
        let before = sent()
        try pair.sender(drained).sendControl([1, 2, 3])
        try pair.sender(drained).close(code: 1, reason: "me too")
        pair.deliverToClient(.init(bytes: [UInt8](repeating: 0x40, count: 50)))
        try pair.run(for: .seconds(5))
        if drained == .upload { #expect(sent() == before) }
        #expect(endings(pair, at: drained).count == 1)
    }

    @Test("what an ended connection is told changes nothing")
    func afterTheEnd() throws {
        let pair = try connectedPair()
        try close(pair, .upload)
        let server = try #require(pair.server)
        try #require(try pair.run { $0.client.isFinished && server.isFinished })
        for connection in [pair.client, server] {
            connection.close(code: 9, reason: "again")
            connection.sendControl([1])
            connection.consumedControl(5)
            connection.allowPayload(streams: 3)
            connection.finishPayload()
            connection.abortPayload()
            connection.handleExpiry(now: .never)
            #expect(connection.isFinished)
            #expect(connection.expiry == .never)
            #expect(throws: QUICError.self) { try connection.initiateKeyUpdate(now: pair.now) }
        }
        try pair.run(for: .seconds(1))
        #expect(pair.clientEndings.count == 1 && pair.serverEndings.count == 1)
    }

    @Test("both ends may close at the same time")
    func simultaneous() throws {
        let pair = try connectedPair()
        try close(pair, .upload)
        try close(pair, .download)
        let server = try #require(pair.server)
        try #require(try pair.run { $0.client.isFinished && server.isFinished })
        #expect(pair.clientEndings == [.closedHere])
        #expect(pair.serverEndings == [.closedHere])
        #expect(pair.toServer.carried < 20 && pair.toClient.carried < 20, "they don't answer each other for ever")
    }

    // MARK: Closing before there is anything to close

    @Test("a client that is closed before it spoke says nothing")
    func beforeTheFirstDatagram() throws {
        let pair = try makePair()
        try close(pair, .upload)
        try pair.run(for: .seconds(1))
        #expect(pair.clientEndings == [.closedHere])
        #expect(pair.client.isFinished)
        #expect(pair.toServer.bytesSent == 0)
    }

    @Test("a client that is closed in the handshake hides the code from a peer that it doesn't know yet")
    func clientInTheHandshake() throws {
        let pair = try makePair()
        try #require(try pair.run { $0.server != nil })
        try close(pair, .upload, reason: "secret")
        try #require(try pair.run { !$0.serverEndings.isEmpty })
        #expect(pair.serverEndings == [.transportErrorFromPeer(code: 0xc, reason: "")])
    }

    @Test("a server that is closed in the handshake hides the code, too")
    func serverInTheHandshake() throws {
        let pair = try makePair()
        try #require(try pair.run { $0.server != nil })
        try close(pair, .download, reason: "secret")
        try #require(try pair.run { !$0.clientEndings.isEmpty })
        #expect(pair.clientEndings == [.transportErrorFromPeer(code: 0xc, reason: "")])
        #expect(pair.serverEndings == [.closedHere])
    }

    @Test("a server that is closed before it read anything says nothing", arguments: [false, true])
    func serverWithoutKeys(demandsRetry: Bool) throws {
        let pair = try makePair { $0.demandsRetry = demandsRetry }
        try pair.run(for: .zero)
        if demandsRetry { try #require(try pair.run { $0.gateReplies.count == 1 && $0.toServer.carried == 2 }) }
        let initial = try #require(pair.interceptFromClient()).bytes
        let address = ConnectionPair.address(port: 40_000)
        let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { reply.deallocate() }
        let server = try initial.withUnsafeBytes { bytes in
            try address.withUnsafeBytes { address in
                let decision = pair.gate.judge(
                    bytes, DatagramHeader.parse(bytes), remote: address, reply: reply, now: pair.now.nanoseconds)
                guard case .accept(let accepted) = decision else {
                    Issue.record("not accepted")
                    return nil as QUICConnection?
                }
                return try QUICConnection.server(
                    accepted, local: address, remote: address, credentials: ServerCredentials(testIdentity()),
                    applicationProtocols: ["qrate/1"], gate: pair.gate, settings: ConnectionSettings(), now: pair.now)
            }
        }
        let connection = try #require(server)
        connection.close(code: 3, reason: "busy")
        #expect(connection.pollTransmit(into: reply, limit: 64, now: pair.now) == nil)
        #expect(connection.isFinished)
    }
}
