import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("ServerGate") struct ServerGateTests {
    private let gate = ServerGate()
    private static let address = ConnectionPair.address(port: 40_000)

    /// The decision in a form that can be compared, and the reply's bytes.
    private enum Outcome: Equatable {
        case accept
        case reply([UInt8])
        case drop

        var reply: [UInt8]? { if case .reply(let bytes) = self { bytes } else { nil } }
    }

    private func judge(
        _ datagram: [UInt8], by gate: ServerGate, from address: [UInt8] = address, isUnderLoad: Bool = false,
        room: Int = ServerGate.largestReply, at time: UInt64 = 1_000_000_000
    ) -> Outcome {
        let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
        defer { reply.deallocate() }
        let decision = datagram.withUnsafeBytes { bytes in
            address.withUnsafeBytes {
                gate.judge(
                    bytes, DatagramHeader.parse(bytes), remote: $0, reply: reply, isUnderLoad: isUnderLoad, now: time)
            }
        }
        switch decision {
        case .accept: return .accept
        case .reply(let count): return .reply(Array(reply.prefix(count)))
        case .drop: return .drop
        }
    }

    /// A datagram that begins like an Initial (RFC 9000 §17.2.2); what follows the header is noise.
    private func initial(
        version: UInt32 = 1, destination: [UInt8] = Array(1...8), source: [UInt8] = Array(11...18),
        token: [UInt8] = [], size: Int = 1200
    ) -> [UInt8] {
        var bytes: [UInt8] = [0xc3] + (0..<4).map { UInt8(truncatingIfNeeded: version >> (24 - 8 * $0)) }
        bytes += [UInt8(destination.count)] + destination + [UInt8(source.count)] + source
        bytes += [0x40 | UInt8(token.count >> 8), UInt8(truncatingIfNeeded: token.count)] + token
        let rest = size - bytes.count - 2
        bytes += [0x40 | UInt8(rest >> 8), UInt8(truncatingIfNeeded: rest)]
        return bytes + [UInt8](repeating: 0x55, count: max(0, size - bytes.count))
    }

    private func token(inRetry retry: [UInt8], destinationLength: Int = 8) -> (token: [UInt8], source: [UInt8]) {
        let sourceStart = 6 + destinationLength + 1
        let source = Array(retry[sourceStart..<sourceStart + Int(retry[sourceStart - 1])])
        return (Array(retry[(sourceStart + source.count)...].dropLast(16)), source)
    }

    // MARK: Version negotiation

    @Test("an unknown version is answered with ours, the IDs swapped", arguments: [0, 1, 8, 20, 21, 255])
    func versionNegotiation(idLength: Int) throws {
        let destination = (0..<idLength).map { UInt8($0) }, source = (0..<idLength).map { UInt8(255 - $0) }
        let question = initial(version: 0x0a0a_0a0a, destination: destination, source: source)
        let answer = try #require(judge(question, by: gate).reply)
        #expect(answer.count <= question.count)
        #expect(answer[0] & 0x80 != 0)
        #expect(
            Array(answer[1...])
                == [0, 0, 0, 0] + [UInt8(idLength)] + source + [UInt8(idLength)] + destination + [0, 0, 0, 1])
    }

    @Test("an unknown version in a small datagram, Version Negotiation itself, and a cut header get no answer")
    func noNegotiation() {
        #expect(judge(initial(version: 0x0a0a_0a0a, size: 1199), by: gate) == .drop)
        #expect(judge(initial(version: 0), by: gate) == .drop)
        let whole = initial(version: 0x0a0a_0a0a)
        for count in [0, 1, 4, 5, 6, 13, 14, 22] { #expect(judge(Array(whole.prefix(count)), by: gate) == .drop) }
    }

    @Test("without room for it there is no answer")
    func noRoom() {
        #expect(judge(initial(version: 0x0a0a_0a0a), by: gate, room: 10) == .drop)
        #expect(judge(initial(), by: ServerGate(demandsRetry: true), room: 10) == .drop)
        #expect(judge([0x40] + [UInt8](repeating: 1, count: 60), by: gate, room: 10) == .drop)
    }

    // MARK: Stateless reset

    @Test("a packet for nobody is answered with something shorter, or not at all", arguments: 0...80)
    func statelessReset(size: Int) {
        let question = [0x41] + [UInt8](repeating: 9, count: size)
        switch judge(question, by: gate) {
        case .reply(let answer):
            #expect(answer.count < question.count)
            #expect(answer.count >= 21)
            #expect(answer[0] & 0xc0 == 0x40, "it looks like any packet (RFC 9000 §10.3)")
        case .drop: #expect(question.count < 22)
        case .accept: Issue.record("accepted")
        }
    }

    @Test("the reset token depends on the ID and on the process, and on nothing else")
    func resetTokens() throws {
        func token(_ id: UInt8, _ gate: ServerGate) throws -> [UInt8] {
            try #require(judge([0x40] + [UInt8](repeating: id, count: 60), by: gate).reply).suffix(16)
        }
        #expect(try token(1, gate) == token(1, gate))
        #expect(try token(1, gate) != token(2, gate))
        #expect(try token(1, gate) != token(1, ServerGate()))
    }

    // MARK: New connections

    @Test("an Initial in 1200 bytes or more may become a connection; nothing else does")
    func accept() {
        #expect(judge(initial(), by: gate) == .accept)
        #expect(judge(initial(size: 1400), by: gate) == .accept)
        #expect(judge(initial(destination: Array(1...20)), by: gate) == .accept)
        #expect(judge(initial(size: 1199), by: gate) == .drop)
        #expect(judge(initial(destination: Array(1...7)), by: gate) == .drop, "RFC 9000 §7.2: at least 8 bytes")
        for type: UInt8 in [0xd0, 0xe0, 0xf0] {
            var other = initial()
            other[0] = type
            #expect(judge(other, by: gate) == .drop)
        }
        #expect(judge([UInt8](repeating: 0, count: 1200), by: gate) == .drop, "the front door's other protocols")
    }

    @Test("a token that isn't ours doesn't open the gate to a short connection ID")
    func foreignToken() {
        let token = [UInt8](repeating: 0xb6, count: 60)
        #expect(judge(initial(destination: [], token: token), by: gate) == .drop)
        #expect(judge(initial(destination: [1, 2, 3], token: token), by: gate) == .drop)
        #expect(judge(initial(token: token), by: gate) == .accept, "it is a client's first contact all the same")
        #expect(judge(initial(token: token), by: ServerGate(demandsRetry: true)) == .drop)
    }

    // MARK: Retry

    @Test("a Retry token lets its client in: for ten seconds, from its address, to the ID in the Retry")
    func retry() throws {
        let gate = ServerGate(demandsRetry: true)
        let question = initial()
        let answer = try #require(judge(question, by: gate).reply)
        #expect(answer.count < question.count)
        #expect(answer[0] & 0xf0 == 0xf0)
        #expect(Array(answer[1..<6]) == [0, 0, 0, 1, 8])
        #expect(Array(answer[6..<14]) == Array(11...18), "it goes to the client's ID")
        let (token, source) = token(inRetry: answer)

        let second = initial(destination: source, token: token)
        #expect(judge(second, by: gate) == .accept)
        #expect(judge(second, by: gate, at: 10_500_000_000) == .accept)
        #expect(judge(second, by: gate, at: 11_500_000_000) == .drop)
        #expect(judge(second, by: gate, from: ConnectionPair.address(port: 40_001)) == .drop)
        #expect(judge(second, by: ServerGate(demandsRetry: true)) == .drop, "another process signed it")
        #expect(judge(initial(destination: Array(21...28), token: token), by: gate) == .drop)
        for index in token.indices {
            var damaged = token
            damaged[index] ^= 1
            #expect(judge(initial(destination: source, token: damaged), by: gate) == .drop)
        }
    }

    @Test("under load a Retry is demanded that wasn't asked for otherwise")
    func underLoad() throws {
        let retry = try #require(judge(initial(), by: gate, isUnderLoad: true).reply)
        let (token, source) = token(inRetry: retry)
        for isUnderLoad in [true, false] {
            #expect(judge(initial(destination: source, token: token), by: gate, isUnderLoad: isUnderLoad) == .accept)
        }
    }
}
