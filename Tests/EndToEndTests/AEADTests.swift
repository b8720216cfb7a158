import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("who encrypts", .fewAtATime) struct AEADTests {
    private static let brief = ["-n", "3000003", "--json"]
    /// What `auto` comes to on this machine.
    private static let best = AEADSelection.library(for: .auto).rawValue

    @Test(
        "each end's choice is in the result, and payload arrives whatever the two are",
        arguments: ["stock", "auto"], [["--quic"], ["--quic", "-R"], ["--tls"], ["--tls", "-R"]])
    func choices(client: String, test: [String]) async throws {
        for server in ["stock", "auto"] {
            try await withServer(["--aead", server]) { running in
                let result = try await running.client(test + ["--aead", client] + Self.brief).success()
                #expect(result.security?.aead == (client == "stock" ? "gnutls" : Self.best))
                #expect(result.test?.settings.client?.aead == result.security?.aead)
                #expect(result.test?.settings.server?.aead == (server == "stock" ? "gnutls" : Self.best))
                #expect(result.summary?.totals?.bytesReceived == 3_000_003)
            }
        }
    }

    @Test("AES-256-GCM has the choice, ChaCha20-Poly1305 is GnuTLS's", arguments: ["--quic", "--tls"])
    func suites(transport: String) async throws {
        try await withServer { server in
            for (cipher, library) in [("aes256gcm", Self.best), ("chacha20", "gnutls")] {
                let result = try await server.client([transport, "--cipher", cipher] + Self.brief).success()
                #expect(result.security?.aead == library)
                #expect(result.test?.settings.server?.aead == library)
                #expect(result.summary?.totals?.bytesReceived == 3_000_003)
            }
        }
    }

    @Test("nothing is encrypted over TCP and UDP, and nothing said", arguments: ["--tcp", "--udp"])
    func bare(transport: String) async throws {
        try await withServer(["--aead", "stock"]) { server in
            let result = try await server.client([transport] + Self.brief).success()
            #expect(result.security == nil)
            #expect(result.test?.settings.client?.aead == nil && result.test?.settings.server?.aead == nil)
        }
    }
}
