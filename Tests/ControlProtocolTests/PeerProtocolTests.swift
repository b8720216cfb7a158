import QrateControlProtocol
import QrateMeasurement
import Testing

@Suite("negotiation") struct PeerProtocolTests {
    @Test(
        "versions that begin with the number 1 are compatible",
        arguments: ["1", "1.0", "1.1", "1.99", "1.1.2", "01", "001.0", "1.0.0.0.0", "1.99999999999999999999999999"])
    func compatible(version: String) throws {
        _ = try PeerProtocol.negotiate(Hello(version: version))
    }

    @Test(
        "all others are not",
        arguments: [
            "2.0", "0", "0.9", "10", "11.1", "", ".", "1.", ".1", "1..1", "1.x", "x", "v1.1", "+1", "-1", "1 ", " 1",
            "1.1-beta", "1,1", "١.1", "1.1\n", "18446744073709551617",
        ])
    func incompatible(version: String) {
        #expect(throws: ControlError.incompatibleVersion(version, local: .server)) {
            try PeerProtocol.negotiate(Hello(version: version))
        }
    }

    @Test("the error is xfr's, and at a client names the client's version")
    func errorText() {
        #expect(
            "\(ControlError.incompatibleVersion("2.0", local: .server))"
                == "Incompatible protocol version: 2.0 (server: 1.1)")
        #expect(throws: ControlError.incompatibleVersion("2.0", local: .client)) {
            try PeerProtocol.negotiate(Hello(version: "2.0", server: "xfr/9"), as: .client)
        }
        #expect(
            "\(ControlError.incompatibleVersion("2.0", local: .client))"
                == "Incompatible protocol version: 2.0 (client: 1.1)")
    }

    @Test("capabilities are what the hello lists; unknown, repeated or no ones are fine")
    func capabilities() throws {
        let qrate = try PeerProtocol.negotiate(Hello(capabilities: Capability.announced))
        #expect(qrate.speaksQrate && qrate.hasByteBudget)
        let xfr = try PeerProtocol.negotiate(Hello(capabilities: ["tcp", "x", "x", "byte_budget_v1", "QRATE_V1"]))
        #expect(!xfr.speaksQrate && xfr.hasByteBudget)
        let old = try PeerProtocol.negotiate(Hello(version: "1.0"))
        #expect(!old.speaksQrate && !old.hasByteBudget)
    }

    @Test("a challenge is a demand for a key")
    func challenge() throws {
        var hello = Hello(server: "xfr/0.9.25")
        #expect(try !PeerProtocol.negotiate(hello, as: .client).demandsPSK)
        hello.auth = .init(method: "psk", nonce: "00")
        #expect(try PeerProtocol.negotiate(hello, as: .client).demandsPSK)
    }

    @Test("the software is the field of the peer's role, printable, bounded, and never empty")
    func software() throws {
        let both = Hello(client: "c/1", server: "s/1")
        #expect(try PeerProtocol.negotiate(both).software == "c/1")
        #expect(try PeerProtocol.negotiate(both, as: .client).software == "s/1")
        #expect(try PeerProtocol.negotiate(Hello(client: "\u{1B}[2Jx\u{202E}fr\n")).software == "[2Jxfr")
        #expect(try PeerProtocol.negotiate(Hello(client: String(repeating: "é", count: 999))).software.utf8.count == 63)
        #expect(try PeerProtocol.negotiate(Hello(client: "\u{7}")).software == "unknown")
        #expect(try PeerProtocol.negotiate(Hello()).software == "unknown")
    }
}
