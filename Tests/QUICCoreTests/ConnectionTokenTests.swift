import QrateMeasurement
@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("ConnectionToken") struct ConnectionTokenTests {
    @Test("what is written reads the same again, as bytes and as text")
    func roundTrip() throws {
        let secret = ConnectionToken.randomSecret()
        for place: UInt8 in [0, 1, 63, 255] {
            let token = ConnectionToken(secret: secret, place: place)
            #expect(ConnectionToken(token.bytes) == token)
        }
        #expect(ConnectionToken.secret(ConnectionToken.text(secret)) == secret)
        #expect(ConnectionToken.randomSecret() != secret)
    }

    @Test("a test's connections knock at different threads, however many there are", arguments: 1...64)
    func spread(threads: Int) {
        let secret = ConnectionToken.randomSecret()
        let doors = (0..<UInt8(threads)).map { Int(ConnectionToken(secret: secret, place: $0).firstByte) % threads }
        #expect(Set(doors).count == threads)
    }

    @Test("anything else is none")
    func malformed() {
        let bytes = ConnectionToken(secret: ConnectionToken.randomSecret(), place: 0).bytes
        #expect(ConnectionToken([]) == nil)
        for count in 0..<bytes.count { #expect(ConnectionToken(Array(bytes.prefix(count))) == nil) }
        #expect(ConnectionToken(bytes + [0]) == nil)
        #expect(ConnectionToken([0xb6] + bytes.dropFirst()) == nil, "a Retry token")
        let text = ConnectionToken.text(ConnectionToken.randomSecret())
        for wrong in [
            "", String(text.dropLast()), text + "0", text + "00", "g" + text.dropFirst(), "é" + text.dropFirst(2),
        ] {
            #expect(ConnectionToken.secret(wrong) == nil)
        }
    }

    // MARK: At the gate

    /// A client's first datagram, with this token.
    private func initial(_ token: ConnectionToken?) throws -> SimulatedLink.Datagram {
        let pair = try makePair { $0.clientToken = token }
        try pair.run(for: .zero)
        return try #require(pair.interceptFromClient())
    }

    private func judge(
        _ datagram: [UInt8], _ gate: ServerGate, knows known: ConnectionToken?, isUnderLoad: Bool = false
    ) -> (decision: ServerGate.Decision, asked: [ConnectionToken]) {
        let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: ServerGate.largestReply, alignment: 1)
        defer { reply.deallocate() }
        var asked: [ConnectionToken] = []
        let decision = datagram.withUnsafeBytes { bytes in
            ConnectionPair.address(port: 40_000).withUnsafeBytes {
                gate.judge(
                    bytes, DatagramHeader.parse(bytes), remote: $0, reply: reply, isUnderLoad: isUnderLoad,
                    now: 1_000_000_000
                ) {
                    asked.append($0)
                    return $0 == known
                }
            }
        }
        return (decision, asked)
    }

    @Test("a known token opens the gate, also where others must prove their address first", arguments: [true, false])
    func known(demandsRetry: Bool) throws {
        let token = ConnectionToken(secret: ConnectionToken.randomSecret(), place: 3)
        let datagram = try initial(token)
        for isUnderLoad in [true, false] {
            let (decision, asked) = judge(
                datagram.bytes, ServerGate(demandsRetry: demandsRetry), knows: token, isUnderLoad: isUnderLoad)
            guard case .accept(let initial) = decision else {
                Issue.record("\(decision)")
                continue
            }
            #expect(initial.connectionToken == token)
            #expect(asked == [token])
        }
    }

    @Test(
        "an unknown token is refused with a small answer, wherever; none isn't asked about", arguments: [true, false])
    func unknown(demandsRetry: Bool) throws {
        let gate = ServerGate(demandsRetry: demandsRetry)
        let datagram = try initial(ConnectionToken(secret: ConnectionToken.randomSecret(), place: 0))
        let (decision, asked) = judge(datagram.bytes, gate, knows: nil)
        guard case .reply(let count) = decision else {
            Issue.record("\(decision)")
            return
        }
        #expect(count < 100 && asked.count == 1)

        let (plain, none) = judge(try initial(nil).bytes, gate, knows: nil)
        if case .accept(let initial) = plain { #expect(initial.connectionToken == nil) }
        #expect(none.isEmpty)
    }

    @Test("a client whose token is refused is told so at once")
    func told() throws {
        let pair = try makePair { $0.clientToken = ConnectionToken(secret: ConnectionToken.randomSecret(), place: 0) }
        try #require(try pair.run { !$0.clientEndings.isEmpty })
        #expect(pair.clientEndings == [.transportErrorFromPeer(code: 0x0b, reason: "")])
        #expect(pair.server == nil)
        #expect(pair.gateReplies.allSatisfy { $0.sent < $0.received })
    }

    @Test("with a known one the handshake succeeds, and payload moves", arguments: [true, false])
    func accepted(demandsRetry: Bool) throws {
        let token = ConnectionToken(secret: ConnectionToken.randomSecret(), place: 1)
        let pair = try connectedPair {
            $0.demandsRetry = demandsRetry
            $0.clientToken = token
            $0.knownToken = token
        }
        #expect(pair.gateReplies.isEmpty, "no Retry")
        try pair.transfer(.upload, bytes: 100_003)
    }
}
