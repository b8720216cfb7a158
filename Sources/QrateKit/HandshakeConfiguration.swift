import QrateMeasurement

/// A measurement of handshakes, as a client wants it.
public struct HandshakeConfiguration: Sendable, Hashable {
    /// A name or an address; an IPv6 address may have a zone (`fe80::1%eth0`).
    public var host: String
    /// The server's port, 1 to 65535.
    public var port: UInt16
    /// What to measure: over which transport, how long, how many at a time.
    public var parameters: HandshakeParameters
    /// Which servers to believe. It is decided once, about the first connection; the others must show the same certificate.
    public var trust: TrustPolicy
    /// The name to ask for and to find in the certificate, where it isn't `host`.
    public var serverName: String?
    /// What this client shows to a server that demands a certificate.
    public var certificate: CertificateFiles?
    /// How long each handshake may take. 10 s unless told otherwise, at most an hour.
    public var connectTimeout: Duration
    /// Where this end's sockets begin: IP version and address. A port can't be chosen: there are many sockets.
    public var local: LocalAddress
    /// Where known servers are remembered; nil for `$XDG_STATE_HOME/qrate`.
    public var stateDirectory: String?
    /// What this end records beside measuring: there is no qlog of handshakes.
    public var recording: RecordingOptions

    public init(
        host: String, port: UInt16 = TestConfiguration.defaultPort,
        parameters: HandshakeParameters = HandshakeParameters(), trust: TrustPolicy = .verify(),
        serverName: String? = nil, certificate: CertificateFiles? = nil, connectTimeout: Duration = .seconds(10),
        local: LocalAddress = LocalAddress(), stateDirectory: String? = nil,
        recording: RecordingOptions = RecordingOptions()
    ) {
        self.host = host
        self.port = port
        self.parameters = parameters
        self.trust = trust
        self.serverName = serverName
        self.certificate = certificate
        self.connectTimeout = connectTimeout
        self.local = local
        self.stateDirectory = stateDirectory
        self.recording = recording
    }

    /// - Throws: `usage`, with the value and the limit that it breaks.
    public func validate() throws(TestFailure) {
        if let failure = parameters.usageFailure { throw failure }
        guard local.port == nil else {
            throw TestFailure(.usage, "a local port (--cport) is for one socket, and handshakes need many")
        }
        guard recording.qlogDirectory == nil else {
            throw TestFailure(
                .usage,
                "a measurement of handshakes takes no --qlog: it would make thousands of files and be slowed by each")
        }
        try connection.validate()
    }

    /// What the connections have in common with those of a test.
    var connection: TestConfiguration {
        var test = TestParameters(transport: parameters.transport)
        test.settings.cipher = parameters.cipher
        return TestConfiguration(
            host: host, port: port, parameters: test, trust: trust, serverName: serverName, certificate: certificate,
            connectTimeout: connectTimeout, local: local, stateDirectory: stateDirectory, recording: recording)
    }
}
