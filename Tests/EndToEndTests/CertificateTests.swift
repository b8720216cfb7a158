import FoundationEssentials
import Glibc
import QrateTestSupport
import Testing

@Suite("certificates, as users meet them", .fewAtATime) struct CertificateTests {
    private static let brief = ["-n", "1000", "--json"]

    @Test("a self-made certificate is kept, and known to a client that was here before")
    func keptAndKnown() async throws {
        let state = try TemporaryDirectory()
        var fingerprints: [String] = []
        for _ in 0..<2 {
            try await withServer(state: state.path) { server in
                fingerprints.append(server.fingerprint)
                let first = try await server.client(Self.brief).success()
                #expect(first.security?.verification == "first_use")
                #expect("sha256:\(first.security?.fingerprintSha256 ?? "")" == server.fingerprint)
                let second = try await server.client(Self.brief).success()
                #expect(second.security?.verification == "known")
                #expect(second.security?.knownSince != nil)
            }
        }
        #expect(fingerprints[0] == fingerprints[1])
    }

    @Test("a pin is enough, and another one is refused with what to do")
    func pin() async throws {
        try await withServer { server in
            let pinned = try await server.client(["--pin", server.fingerprint] + Self.brief).success()
            #expect(pinned.security?.verification == "pinned")
            let wrong = "sha256:" + String(repeating: "0", count: 64)
            let refused = try await server.client(["--pin", wrong] + Self.brief)
            refused.expectFailure(77, saying: "127.0.0.1:\(server.port)", "pinned", "--pin \(server.fingerprint)")
        }
    }

    @Test("a self-signed certificate that changed is refused, with the line of known_servers to look at")
    func changed() async throws {
        try await withServer(files: Self.selfSigned) { server in
            #expect(try await server.client(Self.brief).success().security?.verification == "first_use")
            try await server.reload { try TestCertificate.selfSigned().writePEM(to: $0) }
            let refused = try await server.client(Self.brief)
            let known = server.clientState + "/qrate/known_servers"
            refused.expectFailure(77, saying: "presents another certificate", "remove line 1 of \(known)", "--pin")
            #expect(try refused.result().error?.kind == "certificate")
            // What it says to do helps.
            try FileManager.default.removeItem(atPath: known)
            #expect(try await server.client(Self.brief).success().security?.verification == "first_use")
        }
    }

    @Test("an authority's certificate is verified with --ca, by name, and never needs a first contact")
    func authority() async throws {
        let authority = try TestCertificate.authority()
        let request = TestCertificate.Request(names: ["paris.example.net", "127.0.0.1"])
        try await withServer(files: Self.issued(request, by: authority)) { server in
            let trust = ["--ca", try Self.write(authority, to: server)]
            #expect(try await server.client(trust + Self.brief).success().security?.verification == "ca")
            let named = try await server.client(trust + ["--server-name", "paris.example.net"] + Self.brief).success()
            #expect(named.security?.verification == "ca")
        }
    }

    @Test("a certificate for another name is refused, and --server-name says which to expect")
    func wrongName() async throws {
        let authority = try TestCertificate.authority()
        let request = TestCertificate.Request(names: ["paris.example.net"])
        try await withServer(files: Self.issued(request, by: authority)) { server in
            let trust = ["--ca", try Self.write(authority, to: server)]
            let refused = try await server.client(trust + Self.brief)
            refused.expectFailure(77, saying: "paris.example.net", "not for 127.0.0.1", "--server-name")
            let named = try await server.client(trust + ["--server-name", "paris.example.net"] + Self.brief).success()
            #expect(named.security?.verification == "ca")
        }
    }

    @Test("an expired certificate is refused, and so is one of an authority that nobody trusts")
    func expiredOrUnknown() async throws {
        let authority = try TestCertificate.authority()
        let expired = TestCertificate.Request(notBefore: -7200, notAfter: -3600)
        try await withServer(files: Self.issued(expired, by: authority)) { server in
            let trust = ["--ca", try Self.write(authority, to: server)]
            let refused = try await server.client(trust + Self.brief)
            refused.expectFailure(77, saying: "expired on", "renew it on the server")
            let unknown = try await server.client(Self.brief)
            unknown.expectFailure(77, saying: "not signed by any authority", "--ca FILE")
        }
    }

    @Test("--insecure accepts anything, and every report says so")
    func insecure() async throws {
        let authority = try TestCertificate.authority()
        let expired = TestCertificate.Request(notBefore: -7200, notAfter: -3600)
        try await withServer(files: Self.issued(expired, by: authority)) { server in
            let result = try await server.client(["--insecure"] + Self.brief).success()
            #expect(result.security?.verification == "unverified")
            let text = try await server.client(["--insecure", "-n", "1000"])
            #expect(text.status == 0)
            #expect(text.output.contains("certificate NOT VERIFIED (--insecure)"))
        }
    }

    @Test("SIGHUP brings a new certificate to new connections and leaves running tests alone")
    func reload() async throws {
        try await withServer(files: Self.selfSigned) { server in
            let running = try await server.withClient(["-t", "60", "-i", "100ms", "--pin", server.fingerprint]) {
                client in
                try await server.events("test_started")
                let fingerprint = try await server.reload { try TestCertificate.selfSigned().writePEM(to: $0) }
                #expect(fingerprint != server.fingerprint)
                _ = try await server.client(["--pin", fingerprint] + Self.brief).success()
                try await server.client(["--pin", server.fingerprint] + Self.brief).expectFailure(77)
                let before = client.output.lines.count
                _ = try await client.output.wait(for: "two more rows") { $0.count >= before + 2 ? true : nil }
                client.send(SIGINT)
                return try await client.outcome()
            }
            running.expectFailure(130)
        }
    }

    @Test("a certificate that can't be read leaves the old one in place")
    func badReload() async throws {
        try await withServer(files: Self.selfSigned) { server in
            try Data("no certificate".utf8).write(to: URL(filePath: server.directory + "/server.pem"))
            server.program.send(SIGHUP)
            try await server.program.errors.line(with: "the old certificate stays: ")
            _ = try await server.client(["--pin", server.fingerprint] + Self.brief).success()
        }
    }

    @Test("where clients must show a certificate, no transport goes without one")
    func clientCertificates() async throws {
        let authority = try TestCertificate.authority()
        let files = { @Sendable (directory: String) throws -> [String] in
            try Self.selfSigned(directory) + [
                "--client-ca", try authority.writePEM(to: directory, name: "authority").chain,
            ]
        }
        try await withServer(files: files) { server in
            let shown = try authority.issue(.init("client", purpose: .client)).writePEM(
                to: server.directory, name: "client")
            let credentials = ["--client-cert", shown.chain, "--client-key", shown.key]
            for transport in ["--quic", "--tls"] {
                _ = try await server.client([transport] + credentials + Self.brief).success()
                try await server.client([transport] + Self.brief).expectFailure(77, saying: "--client-cert")
            }
            for transport in ["--tcp", "--udp"] {
                try await server.client([transport] + Self.brief).expectFailure(77, saying: "--client-cert", "--tls")
            }
        }
    }

    // MARK: Files

    private static let selfSigned: @Sendable (String) throws -> [String] = { directory in
        arguments(try TestCertificate.selfSigned().writePEM(to: directory))
    }

    private static func issued(
        _ request: TestCertificate.Request, by authority: TestCertificate
    ) -> @Sendable (String) throws -> [String] {
        { directory in arguments(try authority.issue(request).writePEM(to: directory)) }
    }

    private static func arguments(_ files: TestCertificate.Files) -> [String] {
        ["--cert", files.chain, "--key", files.key]
    }

    /// What `--ca` takes.
    private static func write(_ authority: TestCertificate, to server: ServerProcess) throws -> String {
        try authority.writePEM(to: server.directory, name: "authority").chain
    }
}

extension ServerProcess {
    /// Replaces its certificate's files and has it read them.
    ///
    /// - Returns: The new fingerprint.
    @discardableResult
    fileprivate func reload(_ write: (_ directory: String) throws -> TestCertificate.Files) async throws -> String {
        _ = try write(directory)
        program.send(SIGHUP)
        let line = try await program.errors.line(with: "certificate read anew: ")
        return String(line.suffix(71))
    }
}
