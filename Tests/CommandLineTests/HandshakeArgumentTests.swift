import ArgumentParser
import QrateKit
import Testing

@testable import qrate

@Suite("the arguments of `qrate handshakes`") struct HandshakeArgumentTests {
    private func configuration(_ arguments: [String]) throws -> HandshakeConfiguration {
        let command = try Qrate.parseAsRoot(["handshakes", "192.0.2.7"] + arguments)
        return try #require(command as? HandshakesCommand).handshakeConfiguration()
    }

    /// What a user reads when the arguments can't be run; nil when they can.
    private func refusal(_ arguments: [String]) -> String? {
        do {
            try configuration(arguments).validate()
            return nil
        } catch let failure as TestFailure {
            return failure.kind == .usage ? failure.message : nil
        } catch {
            return Qrate.message(for: error)
        }
    }

    @Test("without a flag it is QUIC, both kinds, 10 s together, one at a time")
    func defaults() throws {
        let configuration = try configuration([])
        #expect(configuration.host == "192.0.2.7")
        #expect(configuration.port == 5201)
        #expect(configuration.trust == .verify())
        #expect(configuration.parameters == HandshakeParameters())
        #expect(configuration.parameters.transport == .quic)
        #expect(configuration.parameters.kinds == [.cold, .resumed])
        #expect(configuration.parameters.durationPerKind == .seconds(5))
        #expect(configuration.parameters.count == nil)
        #expect(configuration.parameters.parallel == 1)
    }

    @Test(
        "the kinds", arguments: [(["--cold"], [.cold]), (["--resumed"], [.resumed])] as [([String], [HandshakeKind])])
    func kinds(arguments: [String], kinds: [HandshakeKind]) throws {
        let parameters = try configuration(arguments).parameters
        #expect(parameters.kinds == kinds)
        #expect(parameters.durationPerKind == .seconds(10))
    }

    @Test("the end: a time, a number, or whichever comes first")
    func limits() throws {
        #expect(try configuration(["-t", "4"]).parameters.duration == .seconds(4))
        let count = try configuration(["-n100"]).parameters
        #expect(count.count == 100 && count.duration == nil)
        let both = try configuration(["-n", "100", "-t1m"]).parameters
        #expect(both.count == 100 && both.duration == .seconds(60))
    }

    @Test("the rest is as in a test")
    func others() throws {
        let all = try configuration([
            "--tls", "-P", "8", "--cipher", "aes256gcm", "-p", "5310", "-4", "-B", "192.0.2.1", "--connect-timeout",
            "2s",
            "--insecure", "--server-name", "example.net",
        ])
        #expect(all.parameters.transport == .tls)
        #expect(all.parameters.parallel == 8)
        #expect(all.parameters.cipher == .aes256gcm)
        #expect(all.port == 5310)
        #expect(all.local == LocalAddress(ipVersion: .v4, address: "192.0.2.1"))
        #expect(all.connectTimeout == .seconds(2))
        #expect(all.trust == .insecure)
        #expect(all.serverName == "example.net")
        #expect(try configuration(["--quic"]).parameters.transport == .quic)
    }

    @Test(
        "what can't be run is refused with a reason",
        arguments: [
            (["--tcp"], "--tls"), (["--udp"], "--tls"), (["-P", "0"], "-P"), (["-P", "33"], "32"),
            (["-t", "0"], "-t 0"),
            (["-t", "2h"], "-t"), (["-n", "0"], "-n"), (["--cold", "--resumed"], "exclude each other"),
            (["--quic", "--tls"], "exclude each other"), (["--cport", "5000"], "--cport"), (["-R"], "-R"),
            (["--pin", "x", "--insecure"], "exclude each other"), (["-4", "-6"], "exclude each other"),
        ] as [([String], String)])
    func refused(arguments: [String], words: String) throws {
        #expect(refusal(arguments)?.contains(words) == true, "\(refusal(arguments) ?? "was taken")")
    }
}
