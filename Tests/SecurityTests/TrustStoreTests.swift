import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("the authorities that a client believes") struct TrustStoreTests {
    @Test("a file may hold several, and text around them")
    func several() throws {
        let directory = try TemporaryDirectory()
        let authorities = [try TestCertificate.authority("one"), try TestCertificate.authority("two")]
        let file = directory.path + "/authorities.pem"
        try write("My own.\n" + authorities.map { try $0.certificatePEM }.joined(separator: "\nAnd:\n"), to: file)
        let store = try TrustStore.authorities(inFile: file)
        #expect(store.count == 2)
        for authority in authorities {
            let server = try authority.issue()
            let trust = ServerTrust(.verify(store, serverName: "localhost", known: nil), endpoint: "localhost:5201")
            #expect(trust.judge(server.chain) == .accepted(.certificateAuthority, fingerprint(server)))
        }
    }

    @Test("a missing file is bad input, and is named")
    func missing() throws {
        let error = try #require(throws: SecurityError.self) { try TrustStore.authorities(inFile: "/nowhere/ca.pem") }
        #expect(error.kind == .badInput)
        #expect(error.message == "cannot read the authorities in /nowhere/ca.pem: No such file or directory")
    }

    @Test(
        "a file without certificates is bad input, and is named",
        arguments: ["", "hello", "-----BEGIN CERTIFICATE-----\n"])
    func nonsense(content: String) throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/ca.pem"
        try write(content, to: file)
        let error = try #require(throws: SecurityError.self) { try TrustStore.authorities(inFile: file) }
        #expect(error.kind == .badInput)
        #expect(error.message.hasPrefix("\(file) holds no certificate in PEM form"))
    }

    @Test("a key in place of a certificate is bad input")
    func key() throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.authority().writePEM(to: directory.path)
        #expect(throws: SecurityError.self) { try TrustStore.authorities(inFile: files.key) }
    }

    @Test("the system's authorities don't know a test's, and the message says whose they are")
    func system() throws {
        let server = try TestCertificate.authority().issue()
        let policy = ServerTrust.Policy.verify(.system(), serverName: "localhost", known: nil)
        let refusal = try #require(ServerTrust(policy, endpoint: "localhost:5201").judge(server.chain).refusal)
        #expect(refusal.cause == .unknownAuthority)
        #expect(refusal.message.contains("not signed by any authority of this system"))
    }
}
