import QrateQUICCore

/// A server, as its operator wants it. It serves QUIC, TLS, TCP and UDP tests on one port number.
public struct ServerConfiguration: Sendable, Hashable {
    /// For TCP and UDP alike, 5201 unless told otherwise. 0 takes a number that is free for both.
    public var port: UInt16
    /// Serve clients on this host only: the port is open on 127.0.0.1 and nowhere else. Off unless told otherwise.
    public var isLocal: Bool
    /// What QUIC and TLS clients see; nil for a self-signed certificate that is made at the first start and kept.
    public var certificate: CertificateFiles?
    /// A PEM file with authorities: QUIC and TLS clients must show a certificate that one of them signed. nil lets
    /// everybody in.
    public var clientAuthorities: String?
    /// Tests at once, over all transports: 1 to 1024, 64 unless told otherwise.
    public var maxTests: Int
    /// Of one test, warm-up and measured window together: an hour unless told otherwise, which is the most. An endless
    /// test is ended then.
    public var maxDuration: Duration
    /// Serve one test, then end. Off unless told otherwise.
    public var isOneOff: Bool
    /// QUIC: make every client prove its address first, for one more round trip (RFC 9000 §8.1.2).
    public var demandsRetry: Bool
    /// A client that was silent for this long is forgotten: 1 s to 600 s, 30 s unless told otherwise.
    public var idleTimeout: Duration
    /// How many threads serve QUIC clients: 1 to 64; nil for one per processor that this process may run on. Each has a
    /// socket of its own on the port. Where the kernel can't tell their packets apart it is one.
    public var threads: Int?
    /// How the UDP sockets of QUIC and UDP tests are set up, and who encrypts those of QUIC and TLS.
    public var network: NetworkOptions
    /// Whether the self-signed certificate is kept at all.
    var keepsCertificate = true
    /// Where the self-signed certificate is kept; nil for `$XDG_STATE_HOME/qrate`.
    public var stateDirectory: String?
    /// What this end records beside serving: of every client's connections.
    public var recording: RecordingOptions

    public init(port: UInt16 = TestConfiguration.defaultPort) {
        self.port = port
        isLocal = false
        maxTests = 64
        maxDuration = TestParameters.longestTest
        isOneOff = false
        demandsRetry = false
        idleTimeout = .seconds(30)
        network = NetworkOptions()
        recording = RecordingOptions()
    }

    /// - Throws: `usage`, with the value and the limit that it breaks.
    public func validate() throws(TestFailure) {
        guard (1...1024).contains(maxTests) else {
            throw TestFailure(.usage, "\(maxTests) tests at once are out of range: 1 to 1024")
        }
        guard maxDuration > .zero, maxDuration <= TestParameters.longestTest else {
            throw TestFailure(
                .usage,
                "a longest test of \(fixedPoint(maxDuration.seconds, decimals: 3)) s is out of range: "
                    + "more than 0 s, at most \(fixedPoint(TestParameters.longestTest.seconds, decimals: 0)) s")
        }
        guard idleTimeout >= .seconds(1), idleTimeout <= .seconds(600) else {
            throw TestFailure(
                .usage,
                "an idle timeout of \(fixedPoint(idleTimeout.seconds, decimals: 3)) s is out of range: "
                    + "1 s to 600 s")
        }
        guard threads.map({ ConnectionIDSpace.counts.contains($0) }) ?? true else {
            throw TestFailure(
                .usage,
                "\(threads ?? 0) threads are out of range: \(ConnectionIDSpace.counts.lowerBound) to "
                    + "\(ConnectionIDSpace.counts.upperBound)")
        }
        try network.validate()
    }
}
