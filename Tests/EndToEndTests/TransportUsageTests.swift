import QrateTestSupport
import Testing

/// Values and combinations that no transport, or not this one, can make sense of: refused before anything is sent.
@Suite("what a transport can't do") struct TransportUsageTests {
    @Test(
        "is refused by its flag, in one line",
        arguments: [
            (["--tcp", "--udp"], "--tcp and --udp"), (["--quic", "--tls"], "--quic and --tls"),
            (["-R", "--bidir"], "-R and --bidir"), (["-4", "-6"], "-4 and -6"),
            (["--tcp", "-b", "-1"], "-b"), (["--tcp", "-b", "fast"], "-b"),
            (["-l", "64K"], "-l"), (["--tcp", "-l", "0"], "-l"), (["--udp", "-l", "4"], "-l"),
            (["--udp", "-l", "65508"], "-l"),
            (["--udp", "-C", "cubic"], "-C"), (["-C", "nonsense"], "nonsense"),
            (["--tcp", "-C", "nonsense"], "nonsense"),
            (["--tcp", "--cipher", "aes128gcm"], "--cipher"), (["--cipher", "rot13"], "--cipher"),
            (["-M", "1000"], "-M"), (["--udp", "-M", "1000"], "-M"), (["--tcp", "-M", "1"], "-M"),
            (["-N"], "--nodelay"), (["-Z"], "-Z"), (["--tls", "-Z"], "-Z"), (["--skip-rx-copy"], "--skip-rx-copy"),
            (["--tls", "--skip-rx-copy"], "--skip-rx-copy"), (["--mptcp"], "--mptcp"),
            (["--tcp", "--connections", "2"], "--connections"), (["--connections", "0"], "--connections"),
            (["--tcp", "--datagrams"], "--datagrams"), (["--tcp", "--max-datagram", "1400"], "--max-datagram"),
            (["--max-datagram", "100"], "--max-datagram"), (["-S", "256"], "-S"), (["--dscp", "64"], "--dscp"),
            (["--dscp", "nonsense"], "--dscp"), (["-S", "8", "--dscp", "ef"], "-S and --dscp"),
            (["--probe-mtu", "--tcp"], "--probe-mtu and --tcp"), (["--cport", "70000"], "--cport"),
            (["-B", "nonsense"], "nonsense"),
            (["--udp", "-w", "64K", "--socket-buffer", "64K"], "-w and --socket-buffer"),
        ])
    func refused(arguments: [String], named: String) async throws {
        // Nothing listens there: what isn't refused would say so.
        let port = try SilentPort(.closed)
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)"] + arguments)
        client.expectFailure(64, saying: named)
        #expect(client.output == "")
    }
}
