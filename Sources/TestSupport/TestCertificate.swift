internal import Glibc

/// A certificate made for a test, with its private key and the certificates that lead to its authority.
///
///     let authority = try TestCertificate.authority()
///     let server = try authority.issue(TestCertificate.Request(names: ["localhost", "127.0.0.1"]))
///     let files = try server.writePEM(to: directory)
package struct TestCertificate: Sendable {
    package let der: [UInt8]
    /// PKCS#8, not encrypted.
    package let keyDER: [UInt8]
    /// In DER, from this certificate's issuer towards the root; the root itself isn't in.
    package let issuers: [[UInt8]]

    /// What a server with this certificate presents: the leaf first.
    package var chain: [[UInt8]] { [der] + issuers }

    package struct Request: Sendable {
        package var commonName: String
        /// Subject alternative names: host names, and IP addresses.
        package var names: [String]
        package var key: KeyType
        /// Seconds from now.
        package var notBefore: Int
        package var notAfter: Int
        package var isAuthority: Bool
        package var purpose: Purpose

        package init(
            _ commonName: String = "test server", names: [String] = ["localhost", "127.0.0.1", "::1"],
            key: KeyType = .ecdsaP256, notBefore: Int = -3600, notAfter: Int = 86_400, isAuthority: Bool = false,
            purpose: Purpose = .server
        ) {
            self.commonName = commonName
            self.names = names
            self.key = key
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.isAuthority = isAuthority
            self.purpose = purpose
        }
    }

    package enum KeyType: Sendable, CaseIterable {
        case ecdsaP256
        case ed25519
        /// 2048 bits. Takes a tenth of a second to make.
        case rsa
        /// 1024 bits: too short to be trusted.
        case shortRSA
    }

    package enum Purpose: Sendable {
        case server
        case client
    }

    package enum Failure: Error {
        case gnutls(call: String, code: Int32, text: String)
        case file(path: String, errno: Int32)
    }
}

extension TestCertificate {
    /// A certificate that its own key signed.
    package static func selfSigned(_ request: Request = Request()) throws -> TestCertificate {
        let key = try Key.generate(request.key)
        let der = try sign(request, for: key)
        return TestCertificate(der: der, keyDER: try key.exportDER(), issuers: [])
    }

    /// A root authority: its certificate is what `--ca` takes.
    package static func authority(_ commonName: String = "test authority") throws -> TestCertificate {
        try selfSigned(Request(commonName, names: [], isAuthority: true))
    }

    /// A certificate that this one's key signed, whether or not this one is an authority.
    package func issue(_ request: Request = Request()) throws -> TestCertificate {
        let key = try Key.generate(request.key)
        let issuer = try Parsed.parse(der)
        let der = try Self.sign(request, for: key, by: issuer, try Key.parse(keyDER))
        return TestCertificate(
            der: der, keyDER: try key.exportDER(), issuers: issuer.isSelfIssued ? [] : [self.der] + issuers)
    }
}

extension TestCertificate {
    /// The leaf and its issuers in PEM.
    package var chainPEM: String {
        get throws { try chain.map { try Self.pem("CERTIFICATE", $0) }.joined() }
    }

    package var certificatePEM: String {
        get throws { try Self.pem("CERTIFICATE", der) }
    }

    package var keyPEM: String {
        get throws { try Self.pem("PRIVATE KEY", keyDER) }
    }

    /// The key in PEM, encrypted with a password.
    package func encryptedKeyPEM(password: String) throws -> String {
        try Key.parse(keyDER).exportPEM(password: password)
    }

    package struct Files: Sendable {
        package var chain: String
        package var key: String
    }

    /// Writes `<name>.pem` and `<name>-key.pem`, the key with mode 0600, into a directory that is there.
    package func writePEM(to directory: String, name: String = "server") throws -> Files {
        let files = Files(chain: "\(directory)/\(name).pem", key: "\(directory)/\(name)-key.pem")
        try Self.write(try chainPEM, to: files.chain, mode: 0o644)
        try Self.write(try keyPEM, to: files.key, mode: 0o600)
        return files
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw TestCertificate.Failure.file(path: path, errno: errno) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw TestCertificate.Failure.file(path: path, errno: errno)
        }
    }
}
