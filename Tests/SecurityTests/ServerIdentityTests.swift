import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("an operator's certificate files") struct ServerIdentityTests {
    private func failure(chain: String, key: String) throws -> SecurityError {
        try #require(throws: SecurityError.self) { try ServerIdentity.load(chainFile: chain, keyFile: key) }
    }

    @Test("a chain and its key are loaded, and named by the leaf", arguments: TestCertificate.KeyType.trusted)
    func loads(type: TestCertificate.KeyType) throws {
        let directory = try TemporaryDirectory()
        let middle = try TestCertificate.authority().issue(.init("middle", names: [], isAuthority: true))
        let server = try middle.issue(.init(key: type))
        let files = try server.writePEM(to: directory.path)
        let identity = try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
        #expect(identity.fingerprint == fingerprint(server))
        #expect(identity.origin == .files && !identity.isSelfMade)
        #expect(identity.notice == nil)
        #expect(identity.keyKind.isKnownToXfr == (type != .rsa))
    }

    @Test("the leaf must come first; what is behind it may be in any order")
    func order() throws {
        let directory = try TemporaryDirectory()
        let middle = try TestCertificate.authority().issue(.init("middle", names: [], isAuthority: true))
        let lower = try middle.issue(.init("lower", names: [], isAuthority: true))
        let server = try lower.issue()
        let files = try server.writePEM(to: directory.path)
        func load(_ certificates: [TestCertificate]) throws -> ServerIdentity {
            try write(try certificates.map { try $0.certificatePEM }.joined(), to: files.chain)
            return try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
        }
        #expect(try load([server, middle, lower]).fingerprint == fingerprint(server))
        let error = try #require(throws: SecurityError.self) { try load([lower, middle, server]) }
        #expect(
            error.message.contains("the first certificate in \(files.chain), which must be the one it was made for"))
    }

    @Test("an expired certificate is served, with a notice")
    func expired() throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned(.init(notBefore: -20, notAfter: -10)).writePEM(to: directory.path)
        let identity = try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
        #expect(identity.notice?.contains("\(files.chain) expired on 20") == true)
    }

    @Test("a missing file is bad input, and is named")
    func missing() throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        for (chain, key) in [(files.chain, directory.path + "/no"), (directory.path + "/no", files.key)] {
            let error = try failure(chain: chain, key: key)
            #expect(error.kind == .badInput)
            #expect(error.message.contains(directory.path + "/no: No such file or directory"))
            #expect(error.cause?.call == "open")
        }
    }

    @Test("a directory in place of a file is bad input")
    func directory() throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        let error = try failure(chain: directory.path, key: files.key)
        #expect(error.kind == .badInput)
        #expect(error.message.contains("Is a directory"))
    }

    @Test("a key that belongs to another certificate is bad input, and both files are named")
    func mismatch() throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        let others = try TestCertificate.selfSigned().writePEM(to: directory.path, name: "other")
        let error = try failure(chain: files.chain, key: others.key)
        #expect(error.kind == .badInput)
        #expect(
            error.message.hasPrefix(
                "the private key in \(others.key) does not belong to the first certificate in \(files.chain)"))
        #expect(error.cause?.call == "gnutls_certificate_set_x509_key")
    }

    @Test("an encrypted key is bad input, and is called encrypted")
    func encrypted() throws {
        let directory = try TemporaryDirectory()
        let server = try TestCertificate.selfSigned()
        let files = try server.writePEM(to: directory.path)
        try write(try server.encryptedKeyPEM(password: "secret"), to: files.key)
        let error = try failure(chain: files.chain, key: files.key)
        #expect(error.kind == .badInput)
        #expect(error.message.contains("\(files.key) is encrypted"))
    }

    @Test("what isn't PEM is bad input", arguments: ["", "hello\n", "-----BEGIN CERTIFICATE-----\n!!!\n", "\0\u{1}"])
    func nonsense(content: String) throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        let file = directory.path + "/nonsense.pem"
        try write(content, to: file)

        let noChain = try failure(chain: file, key: files.key)
        #expect(noChain.kind == .badInput)
        #expect(noChain.message.hasPrefix("\(file) holds no certificate chain in PEM form"))
        let noKey = try failure(chain: files.chain, key: file)
        #expect(noKey.kind == .badInput)
        #expect(noKey.message.hasPrefix("\(file) holds no private key in PEM form"))
    }

    @Test("chain and key that were swapped are told apart")
    func swapped() throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        #expect(try failure(chain: files.key, key: files.chain).message.contains("holds no certificate chain"))
    }

    @Test("a file that is too large, and a chain that is too long, are refused with the limit")
    func tooLarge() throws {
        let directory = try TemporaryDirectory()
        let server = try TestCertificate.selfSigned()
        let files = try server.writePEM(to: directory.path)
        let file = directory.path + "/large.pem"
        try write([UInt8](repeating: 0x41, count: (1 << 20) + 1), to: file)
        #expect(try failure(chain: file, key: files.key).message.contains("larger than 1048576 bytes"))

        var last = try TestCertificate.authority()
        for depth in 0..<11 { last = try last.issue(.init("depth \(depth)", names: [], isAuthority: true)) }
        #expect(last.chain.count == 11)
        let long = try last.writePEM(to: directory.path, name: "long")
        let error = try failure(chain: long.chain, key: long.key)
        #expect(error.message == "\(long.chain) holds 11 certificates; a chain has at most 10")
    }

    @Test("a client presents nothing unless it is given a certificate")
    func client() throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned(.init(purpose: .client)).writePEM(to: directory.path)
        let named = try ClientIdentity.load(chainFile: files.chain, keyFile: files.key)
        #expect(named.credentials != ClientIdentity().credentials)
        #expect(throws: SecurityError.self) { try ClientIdentity.load(chainFile: files.key, keyFile: files.key) }
    }
}
