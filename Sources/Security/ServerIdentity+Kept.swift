internal import Glibc

extension ServerIdentity {
    /// A self-made certificate for this process alone, in no file.
    ///
    /// - Parameter names: Host names and IP addresses for it.
    package static func unkept(names: [String] = ["127.0.0.1"]) throws(SecurityError) -> ServerIdentity {
        let pem = try SelfMadeCertificate.make(names: names)
        let credentials = try CertificateCredentials.parse(chain: pem, from: "memory", key: pem, from: "memory")
        let leaf = credentials.leaf!  // a parsed chain has one
        return ServerIdentity(credentials, leaf, origin: .made, notice: nil)
    }

    /// The self-made certificate that `directory` keeps; made now if there is none, or if its time is over.
    ///
    /// Servers that start at the same time get the same one. Blocks on the file system, and while another process makes
    /// the certificate.
    ///
    /// - Parameters:
    ///   - directory: As ``StateDirectory/path()`` gives it. Made with mode 0700 if missing.
    ///   - names: Host names and IP addresses for a new certificate. Those of this host and `xfr` unless given.
    /// - Throws: ``SecurityError`` that names the file, also when it is damaged: it is never replaced then, because
    ///   every client that recorded the fingerprint would have to be told.
    package static func kept(
        in directory: String, names: [String] = namesOfThisHost
    ) throws(SecurityError) -> ServerIdentity {
        let file = directory + "/server.pem"
        // Without the lock first, so that a directory that can't be written will do.
        if let kept = try loadKept(file), !kept.leaf.isExpired {
            return ServerIdentity(kept.credentials, kept.leaf, origin: .kept, notice: nil)
        }
        try PrivateFile.makeDirectory(directory)
        let lock = try FileLock(besides: file)
        defer { withExtendedLifetime(lock) {} }

        var expiryDate: String?
        if let kept = try loadKept(file) {
            guard kept.leaf.isExpired else {
                return ServerIdentity(kept.credentials, kept.leaf, origin: .kept, notice: nil)
            }
            expiryDate = kept.leaf.expiryDate
        }
        let pem = try SelfMadeCertificate.make(names: names)
        try PrivateFile.replace(file, with: pem)
        let credentials = try CertificateCredentials.parse(chain: pem, from: file, key: pem, from: file)
        let leaf = credentials.leaf!  // a parsed chain has one
        if let expiryDate {
            return ServerIdentity(
                credentials, leaf, origin: .renewed,
                notice:
                    "the self-made certificate in \(file) expired on \(expiryDate) and was renewed: clients that know "
                    + "the old one will refuse the new one, \(leaf.fingerprint)")
        }
        return ServerIdentity(
            credentials, leaf, origin: .made, notice: "made a self-signed certificate, kept in \(file)")
    }

    /// `localhost`, the loopback addresses, the host's name, and `xfr`, which is what an xfr client asks for.
    package static var namesOfThisHost: [String] {
        let names = ["localhost", "127.0.0.1", "::1", "xfr"]
        var buffer = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
        guard gethostname(&buffer, buffer.count) == 0 else { return names }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty || names.contains(name) ? names : names + [name]
    }
}

extension ServerIdentity {
    private struct Kept: ~Copyable {
        let credentials: CertificateCredentials
        let leaf: CertificateCredentials.Leaf
    }

    /// nil when there is no such file.
    private static func loadKept(_ file: String) throws(SecurityError) -> Kept? {
        guard
            let pem = try PrivateFile.read(
                file, "the self-made certificate", limit: CertificateCredentials.fileSizeLimit)
        else { return nil }
        do throws(SecurityError) {
            let credentials = try CertificateCredentials.parse(chain: pem, from: file, key: pem, from: file)
            let leaf = credentials.leaf!  // a parsed chain has one
            return Kept(credentials: credentials, leaf: leaf)
        } catch {
            throw SecurityError(
                error.kind,
                "the self-made certificate in \(file) is damaged: remove the file to have a new one made, which clients "
                    + "that know the old one will refuse (\(error.message))",
                cause: error.cause)
        }
    }
}
