import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("trust in a server: pins, no checks, and nonsense") struct PinTrustTests {
    private func judge(_ policy: ServerTrust.Policy, _ chain: [[UInt8]]) -> TrustVerdict {
        ServerTrust(policy, endpoint: "paris.example.net:5201").judge(chain)
    }

    @Test("a pin that matches accepts what every other rule refuses")
    func pinWins() throws {
        let expired = TestCertificate.Request(names: ["elsewhere.example"], notBefore: -20, notAfter: -10)
        for server in [try TestCertificate.authority().issue(expired), try TestCertificate.selfSigned(expired)] {
            #expect(judge(.pinned(fingerprint(server)), server.chain) == .accepted(.pinned, fingerprint(server)))
        }
        let nonsense: [UInt8] = [1, 2, 3]
        let pin = Fingerprint(ofCertificate: nonsense)
        #expect(judge(.pinned(pin), [nonsense]) == .accepted(.pinned, pin))
    }

    @Test("a pin that doesn't match refuses, and offers what was presented")
    func pinMismatch() throws {
        let authority = try TestCertificate.authority()
        let server = try authority.issue()
        // A pin is for the leaf: its authority's fingerprint isn't one.
        for pin in [Fingerprint(ofCertificate: []), fingerprint(authority)] {
            let refusal = try #require(judge(.pinned(pin), server.chain + [authority.der]).refusal)
            #expect(refusal.cause == .pinMismatch)
            #expect(refusal.message.contains("the pinned \(pin)"))
            #expect(refusal.message.contains("--pin " + fingerprint(server).pin))
        }
    }

    @Test("without checks anything is accepted, and marked as unverified")
    func insecure() throws {
        let server = try TestCertificate.selfSigned(.init(notBefore: -20, notAfter: -10))
        #expect(judge(.insecure, server.chain) == .accepted(.unverified, fingerprint(server)))
        #expect(judge(.insecure, [[0]]) == .accepted(.unverified, Fingerprint(ofCertificate: [0])))
    }

    @Test("no certificate is refused under every policy")
    func emptyChain() {
        let verify = ServerTrust.Policy.verify(.system(), serverName: "localhost", known: nil)
        for policy in [.insecure, .pinned(Fingerprint(ofCertificate: [])), verify] as [ServerTrust.Policy] {
            #expect(judge(policy, []).refusal?.cause == .noCertificate)
            #expect(judge(policy, []).refusal?.tlsAlert == 50, "decode_error")
        }
    }

    @Test("what isn't a certificate is refused, wherever in the chain it is")
    func garbage() throws {
        let server = try TestCertificate.selfSigned()
        let garbage: [[[UInt8]]] = [
            [[]], [[0]], [[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]], [Array(repeating: 0xff, count: 1 << 20)],
            [Array(server.der.dropLast())], [server.der, []], [server.der, [0x30]],
        ]
        let policy = ServerTrust.Policy.verify(.system(), serverName: "localhost", known: nil)
        for chain in garbage {
            #expect(judge(policy, chain).refusal?.cause == .invalid)
        }
    }

    @Test("no byte of a certificate can be changed without a refusal, and none brings the judge down")
    func everyByteChanged() throws {
        let server = try TestCertificate.selfSigned()
        let policy = ServerTrust.Policy.verify(.system(), serverName: "localhost", known: nil)
        #expect(judge(policy, server.chain) == .accepted(.firstUse, fingerprint(server)))
        for index in server.der.indices {
            var der = server.der
            der[index] ^= 0x55
            #expect(judge(policy, [der]).refusal != nil, "byte \(index)")
        }
    }

    @Test("a chain that is too long is refused unread, but not where a pin decides")
    func longChain() throws {
        let server = try TestCertificate.selfSigned()
        let chain = Array(repeating: server.der, count: 11)
        let refused = judge(.verify(.system(), serverName: "localhost", known: nil), chain)
        #expect(refused.refusal?.cause == .invalid)
        #expect(refused.refusal?.message.contains("11 certificates") == true)
        #expect(judge(.pinned(fingerprint(server)), chain) == .accepted(.pinned, fingerprint(server)))
    }

    @Test("a refusal is one line, whatever an endpoint is called")
    func oneLine() throws {
        let trust = ServerTrust(.insecure, endpoint: "a\nb\u{1b}[2J:5201")
        let message = try #require(trust.judge([]).refusal?.message)
        #expect(message == "a?b?[2J:5201 presents no certificate")
    }
}
