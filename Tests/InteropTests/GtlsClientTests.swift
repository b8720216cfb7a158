import QrateTestSupport
import Testing

/// ngtcp2's example client, an independent user of the library that qrate is built on: Debian's `ngtcp2-client`.
@Suite("gtlsclient against qrate serve") struct GtlsClientTests {
    @Test("is refused with TLS alert 120 (no common application protocol), in one round trip")
    func applicationProtocol() async throws {
        try await withServer { server in
            let arguments = ["--timeout=10s", "127.0.0.1", "\(server.port)", "https://localhost/"]
            let client = try await withProgram("/usr/bin/gtlsclient", arguments) { try await $0.outcome() }
            let log = (client.output + client.errors).split(separator: "\n")
            // RFC 9001 §4.8: 0x100 plus the alert.
            #expect(
                log.contains {
                    $0.contains("frm rx") && $0.contains("CONNECTION_CLOSE(0x1c) error_code=CRYPTO_ERROR(0x178)")
                })
            #expect(log.count { $0.hasPrefix("Sent packet:") } == 1, "one flight there")
            #expect(log.count { $0.hasPrefix("Received packet:") } == 1, "and one back")
            // That was not the server's fault, and it serves those who speak its protocol.
            #expect(try await server.client(["-n", "1000003"]).status == 0)
        }
    }
}
