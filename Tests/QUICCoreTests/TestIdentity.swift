import QrateSecurity
import QrateTestSupport

/// A self-signed certificate, made once, for all tests that don't care which it is.
func testIdentity() throws -> ServerIdentity { try sharedIdentity.get() }

private let sharedIdentity = Result { try identity(of: .selfSigned()) }

/// What a server presents that has this certificate.
func identity(of certificate: TestCertificate) throws -> ServerIdentity {
    let directory = try TemporaryDirectory()
    let files = try certificate.writePEM(to: directory.path)
    return try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
}

/// A client's `--ca`: this authority and no other.
func trustStore(of authority: TestCertificate) throws -> TrustStore {
    let directory = try TemporaryDirectory()
    return try TrustStore.authorities(inFile: authority.writePEM(to: directory.path).chain)
}
