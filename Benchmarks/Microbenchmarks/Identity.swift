import QrateSecurity
import QrateTestSupport

/// What the servers in here present.
enum Identity {
    static func make() throws -> ServerIdentity {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        return try ServerIdentity.load(chainFile: files.chain, keyFile: files.key)
    }
}
