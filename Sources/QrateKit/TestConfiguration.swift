import QrateOrchestration

/// One test, as a client wants it.
public struct TestConfiguration: Sendable, Hashable {
    /// The port that servers listen on unless told otherwise: iperf3's and xfr's.
    public static let defaultPort: UInt16 = 5201

    /// A name or an address.
    public var host: String
    public var port: UInt16
    public var parameters: TestParameters
    public var trust: TrustPolicy
    /// The name to ask for and to find in the certificate, where it isn't `host`.
    public var serverName: String?
    /// What this client shows to a server that demands a certificate.
    public var certificate: CertificateFiles?
    public var connectTimeout: Duration
    public var network: NetworkOptions
    /// Where known servers are remembered; nil for `$XDG_STATE_HOME/qrate`.
    public var stateDirectory: String?

    public init(
        host: String, port: UInt16 = defaultPort, parameters: TestParameters = TestParameters(),
        trust: TrustPolicy = .verify(), serverName: String? = nil, certificate: CertificateFiles? = nil,
        connectTimeout: Duration = .seconds(10), network: NetworkOptions = NetworkOptions(),
        stateDirectory: String? = nil
    ) {
        self.host = host
        self.port = port
        self.parameters = parameters
        self.trust = trust
        self.serverName = serverName
        self.certificate = certificate
        self.connectTimeout = connectTimeout
        self.network = network
        self.stateDirectory = stateDirectory
    }

    /// - Throws: `usage`, with the value and the limit that it breaks.
    public func validate() throws(TestFailure) {
        guard !host.isEmpty else { throw TestFailure(.usage, "the host is empty") }
        guard port > 0 else { throw TestFailure(.usage, "port 0 can't be connected to") }
        guard connectTimeout > .zero, connectTimeout <= .seconds(3600) else {
            throw TestFailure(
                .usage,
                "a connect timeout of \(fixedPoint(connectTimeout.seconds, decimals: 3)) s is out of range: "
                    + "more than 0 s, at most 3600 s")
        }
        try network.validate()
        if let failure = parameters.usageFailure { throw failure }
    }
}
