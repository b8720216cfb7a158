import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@testable import QrateQUICCore

@Suite("two connections in memory: sessions that are resumed") struct ResumptionTests {
    private let certificate: TestCertificate
    private let credentials: ServerCredentials
    private let sessions = SessionMemory()

    init() throws {
        certificate = try .selfSigned()
        credentials = ServerCredentials(try identity(of: certificate))
    }

    private var own: Fingerprint { Fingerprint(ofCertificate: certificate.der) }

    private func options(
        _ server: ServerCredentials? = nil, _ policy: ServerTrust.Policy = .insecure
    ) -> ConnectionPair.Options {
        let server = server ?? credentials
        var options = ConnectionPair.Options(
            identity: server.identity, trust: ServerTrust(policy, endpoint: "localhost:5201"))
        options.credentials = server
        options.sessions = sessions
        return options
    }

    /// Runs until the handshake is over at both ends, or at one of them for bad, and what the server said was read.
    private func connect(_ options: ConnectionPair.Options) throws -> ConnectionPair {
        let pair = try ConnectionPair(options)
        try pair.run(limit: .seconds(5)) { pair in
            pair.client.isHandshakeComplete && pair.server?.isHandshakeComplete == true || !pair.clientEndings.isEmpty
        }
        try pair.run(for: .milliseconds(500))
        return pair
    }

    private func expect(
        resumed: Bool, _ pair: ConnectionPair, _ verification: CertificateVerification = .unverified,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(pair.client.isResumed == resumed, sourceLocation: sourceLocation)
        #expect(pair.server?.isResumed == resumed, sourceLocation: sourceLocation)
        #expect(pair.client.verdict == .accepted(verification, own), sourceLocation: sourceLocation)
        try pair.transfer(.upload, bytes: 100_000, sourceLocation: sourceLocation)
    }

    @Test(
        "the first connection is made anew, those after it resume, and bytes arrive on each",
        arguments: [nil, .aes128gcm, .aes256gcm, .chacha20] as [CipherSuite?])
    func resumes(cipher: CipherSuite?) throws {
        var options = options()
        options.clientSettings.cipher = cipher
        try expect(resumed: false, connect(options))
        for _ in 0..<3 {
            #expect(sessions.count == 1)
            let pair = try connect(options)
            try expect(resumed: true, pair)
            #expect(pair.client.cipher == pair.server?.cipher)
        }
    }

    @Test("also where the server asks for the address first (Retry)")
    func retry() throws {
        var options = options()
        options.demandsRetry = true
        try expect(resumed: false, connect(options))
        try expect(resumed: true, connect(options))
    }

    @Test("a ticket is used once, whatever becomes of the connection")
    func once() throws {
        try expect(resumed: false, connect(options()))
        _ = try ConnectionPair(options())
        #expect(sessions.count == 0)
        try expect(resumed: false, connect(options()))
    }

    @Test("a connection without a memory gets no ticket")
    func withoutMemory() throws {
        var options = options()
        options.sessions = nil
        for _ in 0..<2 { try expect(resumed: false, connect(options)) }
    }

    @Test("a server that was restarted or reloaded doesn't know the ticket, and its certificate is judged")
    func otherKey() throws {
        try expect(resumed: false, connect(options()))
        try expect(resumed: false, connect(options(ServerCredentials(credentials.identity), .pinned(own))), .pinned)
        #expect(sessions.count == 1)
        let replaced = ServerCredentials(try identity(of: .selfSigned()))
        let pair = try connect(options(replaced, .pinned(own)))
        guard case .refused(let refusal)? = pair.client.verdict else {
            Issue.record("\(String(describing: pair.client.verdict))")
            return
        }
        #expect(refusal.cause == .pinMismatch)
        #expect(!pair.client.isHandshakeComplete)
    }

    @Test("the certificate that a session began with is judged by what is believed now")
    func judgedAnew() throws {
        try expect(resumed: false, connect(options()))
        try expect(resumed: true, connect(options(nil, .pinned(own))), .pinned)
        let another = Fingerprint(ofCertificate: [1])
        let pair = try connect(options(nil, .pinned(another)))
        #expect(pair.clientEndings == [.tlsAlert(46)])
        #expect(sessions.count == 0)
    }

    @Test("a server that demands certificates of its clients gives no tickets and takes none")
    func clientAuthority() throws {
        try expect(resumed: false, connect(options()))
        let authority = try TestCertificate.authority()
        let directory = try TemporaryDirectory()
        var strict = credentials
        strict.clientAuthority = try ClientAuthority.load(
            file: authority.writePEM(to: directory.path, name: "authority").chain)
        let pair = try connect(options(strict))
        #expect(pair.server?.isHandshakeComplete == false)
        #expect(pair.server?.clientRefusal?.cause == .noCertificate)
        let files = try authority.issue(.init("a client", names: [], purpose: .client)).writePEM(to: directory.path)
        var showing = options(strict)
        showing.clientIdentity = try ClientIdentity.load(chainFile: files.chain, keyFile: files.key)
        for _ in 0..<2 {
            try expect(resumed: false, connect(showing))
            #expect(sessions.count == 0)
        }
    }

    @Test("who is shown another certificate, by application protocol, gets no ticket")
    func alternative() throws {
        let another = try identity(of: .selfSigned())
        let server = ServerCredentials(credentials.identity, alternatives: ["xfr": another])
        var xfr = options(server)
        (xfr.clientProtocols, xfr.serverProtocols) = (["xfr"], ["qrate/1", "xfr"])
        for _ in 0..<2 {
            let pair = try connect(xfr)
            #expect(pair.client.isResumed == false)
            #expect(pair.client.verdict == .accepted(.unverified, another.fingerprint))
            #expect(sessions.count == 0)
        }
        try expect(resumed: false, connect(options(server)))
        try expect(resumed: true, connect(options(server)))
    }

    @Test("a server's tickets are bounded: eight of a connection")
    func bounded() throws {
        let pair = try connect(options())
        for _ in 0..<50 {
            pair.server?.tls?.sendTicket()
            try pair.run(for: .milliseconds(100))
        }
        #expect(sessions.count == 8)
        try expect(resumed: false, pair)
    }
}
