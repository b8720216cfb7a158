import FoundationEssentials
import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Subprocess
import Testing

/// `certs/make-test-certificates`, which needs certtool.
@Suite(
    "the script that makes certificates",
    .enabled(if: ["/usr/bin/certtool", "/usr/local/bin/certtool"].contains(where: exists), "install gnutls-bin"))
struct CertificateScriptTests {
    private static let script = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "certs/make-test-certificates").path

    private func make(_ arguments: [String]) async throws -> (status: TerminationStatus, error: String) {
        let result = try await run(
            .name("bash"), arguments: Arguments([Self.script] + arguments), output: .discarded,
            error: .string(limit: 1 << 16))
        return (result.terminationStatus, result.standardError)
    }

    @Test("what it makes is served, and accepted by whoever has the authority")
    func accepted() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/made"
        let made = try await make([path, "paris.example.net", "192.0.2.7"])
        try #require(made.status == .exited(0), "\(made.error)")

        let server = try ServerIdentity.load(chainFile: path + "/server.pem", keyFile: path + "/server-key.pem")
        #expect(server.keyKind == .ecdsaP256)
        _ = try ClientIdentity.load(chainFile: path + "/client.pem", keyFile: path + "/client-key.pem")
        let clients = try ClientAuthority.load(file: path + "/authority.pem")
        try clients.verify([try leaf(inPEM: path + "/client.pem")])
        #expect(throws: ClientRefusal.self, "the server's isn't a client's") {
            try clients.verify([try leaf(inPEM: path + "/server.pem")])
        }
        let authorities = try TrustStore.authorities(inFile: path + "/authority.pem")
        for name in ["paris.example.net", "192.0.2.7", "localhost", "::1"] {
            let trust = ServerTrust(.verify(authorities, serverName: name, known: nil), endpoint: name)
            let verdict = trust.judge([try leaf(inPEM: path + "/server.pem")])
            #expect(verdict == .accepted(.certificateAuthority, server.fingerprint), "\(name)")
        }
    }

    @Test("keys are for their owner only, and running it again keeps the authority")
    func again() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/made"
        try #require(try await make([path]).status == .exited(0))
        for key in ["authority-key.pem", "server-key.pem", "client-key.pem"] {
            #expect(try mode(of: "\(path)/\(key)") == 0o600, "\(key)")
        }
        let authority = try bytes(of: path + "/authority.pem")
        let server = try bytes(of: path + "/server.pem")
        try #require(try await make([path]).status == .exited(0))
        #expect(try bytes(of: path + "/authority.pem") == authority)
        #expect(try bytes(of: path + "/server.pem") != server)
    }

    @Test("a name that is none is refused before anything is made")
    func badName() async throws {
        let directory = try TemporaryDirectory()
        let made = try await make([directory.path + "/made", "paris\"\nca"])
        #expect(made.status == .exited(64))
        #expect(!exists(directory.path + "/made"))
    }
}
