import Glibc
import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("the certificate that a server makes for itself") struct KeptIdentityTests {
    @Test("it is made once, and stays the same over starts")
    func stable() throws {
        let directory = try TemporaryDirectory()
        let state = directory.path + "/deep/state"
        let made = try ServerIdentity.kept(in: state)
        #expect(made.origin == .made && made.isSelfMade)
        #expect(made.notice?.contains(state + "/server.pem") == true)
        #expect(made.keyKind == .ecdsaP256)

        let kept = try ServerIdentity.kept(in: state)
        #expect(kept.origin == .kept && kept.isSelfMade)
        #expect(kept.notice == nil)
        #expect(kept.fingerprint == made.fingerprint)
    }

    @Test("nobody else can read it")
    func modes() throws {
        let directory = try TemporaryDirectory()
        _ = try ServerIdentity.kept(in: directory.path + "/deep/state")
        #expect(try mode(of: directory.path + "/deep") == 0o700)
        #expect(try mode(of: directory.path + "/deep/state") == 0o700)
        #expect(try mode(of: directory.path + "/deep/state/server.pem") == 0o600)
        #expect(!exists(directory.path + "/deep/state/server.pem.new"))
    }

    @Test("it is made for this host's names, or for those given")
    func names() throws {
        let directory = try TemporaryDirectory()
        _ = try ServerIdentity.kept(in: directory.path)
        _ = try ServerIdentity.kept(in: directory.path + "/given", names: ["paris.example.net", "192.0.2.7"])

        func cause(_ directory: String, _ name: String) throws -> TrustRefusal.Cause? {
            let file = directory + "/server.pem"
            let store = try TrustStore.authorities(inFile: file)
            let trust = ServerTrust(.verify(store, serverName: name, known: nil), endpoint: name)
            return trust.judge([try leaf(inPEM: file)]).refusal?.cause
        }
        for name in ["localhost", "127.0.0.1", "::1", "xfr"] + ServerIdentity.namesOfThisHost {
            #expect(try cause(directory.path, name) == nil, "\(name)")
        }
        #expect(try cause(directory.path, "paris.example.net") == .wrongName)
        #expect(try cause(directory.path + "/given", "paris.example.net") == nil)
        #expect(try cause(directory.path + "/given", "192.0.2.7") == nil)
        #expect(try cause(directory.path + "/given", "localhost") == .wrongName)
    }

    @Test("servers that start at once get the same certificate")
    func concurrentStarts() async throws {
        let directory = try TemporaryDirectory()
        let state = directory.path + "/state"
        let identities = try await withThrowingTaskGroup(of: ServerIdentity.self) { group in
            for _ in 0..<16 { group.addTask { try ServerIdentity.kept(in: state) } }
            return try await group.reduce(into: [ServerIdentity]()) { $0.append($1) }
        }
        #expect(Set(identities.map(\.fingerprint)).count == 1)
        #expect(identities.filter { $0.origin == .made }.count == 1)
    }

    @Test("one that has expired is renewed, with a notice that names both")
    func renewed() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/server.pem"
        let old = try TestCertificate.selfSigned(.init(notBefore: -20, notAfter: -10))
        try write(try old.chainPEM + old.keyPEM, to: file)

        let renewed = try ServerIdentity.kept(in: directory.path)
        #expect(renewed.origin == .renewed)
        #expect(renewed.fingerprint != fingerprint(old))
        #expect(renewed.notice?.contains("\(file) expired on 20") == true)
        #expect(renewed.notice?.contains("\(renewed.fingerprint)") == true)
        #expect(try ServerIdentity.kept(in: directory.path).fingerprint == renewed.fingerprint)
    }

    @Test("a damaged file is an error that names it, and is left as it is")
    func damaged() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/server.pem"
        _ = try ServerIdentity.kept(in: directory.path)
        let half = Array(try bytes(of: file).prefix(300))
        let foreign = try TestCertificate.selfSigned().chainPEM + TestCertificate.selfSigned().keyPEM
        for content in [[], half, Array(foreign.utf8)] {
            try write(content, to: file)
            let error = try #require(throws: SecurityError.self) { try ServerIdentity.kept(in: directory.path) }
            #expect(error.kind == .badInput)
            #expect(error.message.hasPrefix("the self-made certificate in \(file) is damaged: remove the file"))
            #expect(try bytes(of: file) == content)
        }
    }

    @Test("a directory that can't be made is an error that names it")
    func noDirectory() throws {
        let directory = try TemporaryDirectory()
        try write("", to: directory.path + "/file")
        let error = try #require(throws: SecurityError.self) {
            try ServerIdentity.kept(in: directory.path + "/file/state")
        }
        #expect(error.message.contains(directory.path + "/file"))
        #expect(error.cause?.code == ENOTDIR)
    }
}
