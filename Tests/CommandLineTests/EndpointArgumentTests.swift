import ArgumentParser
import QrateKit
import Testing

@testable import qrate

@Suite("where a test begins and ends") struct EndpointArgumentTests {
    @Test("without a flag the system chooses")
    func defaults() throws {
        let configuration = try Parsing.configuration([])
        #expect(configuration.host == "192.0.2.7")
        #expect(configuration.port == 5201)
        #expect(configuration.local == LocalAddress())
        #expect(configuration.connectTimeout == .seconds(10))
    }

    @Test(
        "IP version, address and port of this end",
        arguments: [
            (["-4"], LocalAddress(ipVersion: .v4)), (["-6"], LocalAddress(ipVersion: .v6)),
            (["-B", "192.0.2.1"], LocalAddress(address: "192.0.2.1")),
            (["-B2001:db8::7"], LocalAddress(address: "2001:db8::7")),
            (["--bind", "fe80::1%lo"], LocalAddress(address: "fe80::1%lo")),
            (["--cport", "6000", "-4"], LocalAddress(ipVersion: .v4, port: 6000)),
        ])
    func local(arguments: [String], local: LocalAddress) throws {
        #expect(try Parsing.configuration(arguments).local == local)
        #expect(Parsing.refusal(arguments) == nil)
    }

    @Test(
        "what can't be bound to is refused with its value",
        arguments: [
            (["-B", "example.net"], "\"example.net\" (-B)"), (["-B", "fe80::1%nosuch0"], "\"fe80::1%nosuch0\" (-B)"),
            (["-B", ""], "\"\" (-B)"), (["-4", "-B", "::1"], "no IPv4 address"),
            (["-6", "-B", "127.0.0.1"], "no IPv6"),
            (["--tcp", "--cport", "65535", "-P", "2"], "no room for 2 sockets"),
        ])
    func refused(arguments: [String], named: String) {
        #expect(Parsing.refusal(arguments)?.contains(named) == true, "\(Parsing.refusal(arguments) ?? "accepted")")
    }

    @Test(
        "what a transport has no use for is refused, never ignored",
        arguments: [
            (["--tcp", "--insecure"], "TCP has no use for"), (["--udp", "--pin", "sha256:00"], "UDP has no use for"),
            (["--tcp", "--ca", "a.pem"], "--ca"), (["--udp", "--server-name", "x"], "--server-name"),
            (["--tcp", "--client-cert", "a", "--client-key", "b"], "--client-cert"),
            (["--tls", "--no-gso"], "--no-gso"),
            (["--tcp", "--aead", "stock"], "--aead"), (["--udp", "--aead", "stock"], "--aead"),
            (["--tcp", "--no-gro"], "--no-gro"), (["--tcp", "--socket-buffer", "1M"], "--socket-buffer"),
        ])
    func unused(arguments: [String], named: String) {
        #expect(Parsing.refusal(arguments)?.contains(named) == true, "\(Parsing.refusal(arguments) ?? "accepted")")
    }

    @Test("the help has a section per subject, lists the client's flags, and fits 80 columns")
    func help() {
        let help = Qrate.helpMessage(columns: 80)
        let lines = help.split(separator: "\n")
        for section in ["TEST:", "TRANSPORT:", "NETWORK:", "CERTIFICATES:", "OUTPUT:", "SUBCOMMANDS:"] {
            #expect(lines.filter { $0 == section }.count == 1, "\(section)")
        }
        for flag in ["--bidir", "-u, --udp", "-S, --tos", "--dscp", "-4 ", "--cport", "--probe-mtu", "-p, --port"] {
            #expect(lines.filter { $0.contains("  \(flag)") }.count == 1, "\(flag)")
        }
        #expect(lines.allSatisfy { $0.count <= 80 })
    }
}
