/// A server, as its operator wants it.
public struct ServerConfiguration: Sendable, Hashable {
    /// 0 takes a free one.
    public var port: UInt16
    /// nil for a self-signed certificate that is made at the first start and kept.
    public var certificate: CertificateFiles?
    /// A PEM file with authorities: clients must show a certificate that one of them signed. nil lets everybody in.
    public var clientAuthorities: String?
    /// Tests at once.
    public var maxTests: Int
    /// Warm-up and measured window together.
    public var maxDuration: Duration
    /// Serve one test, then end.
    public var isOneOff: Bool
    /// Make every client prove its address first, for one more round trip (RFC 9000 §8.1.2).
    public var demandsRetry: Bool
    /// A client that was silent for this long is forgotten.
    public var idleTimeout: Duration
    public var network: NetworkOptions
    /// Where the self-signed certificate is kept; nil for `$XDG_STATE_HOME/qrate`.
    public var stateDirectory: String?

    public init(port: UInt16 = TestConfiguration.defaultPort) {
        self.port = port
        maxTests = 64
        maxDuration = TestParameters.longestTest
        isOneOff = false
        demandsRetry = false
        idleTimeout = .seconds(30)
        network = NetworkOptions()
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
        try network.validate()
    }
}
