import QrateOrchestration

/// One test, as a client wants it.
///
///     var configuration = TestConfiguration(host: "paris.example.net")
///     configuration.parameters.transport = .udp
///     configuration.parameters.targetBitrate = Bitrate(bitsPerSecond: 100_000_000)
///     configuration.parameters.settings.payloadUnit = 1200
public struct TestConfiguration: Sendable, Hashable {
    /// The port that servers listen on unless told otherwise: iperf3's and xfr's.
    public static let defaultPort: UInt16 = 5201

    /// A name or an address; an IPv6 address may have a zone (`fe80::1%eth0`).
    public var host: String
    /// The server's port, for TCP and UDP alike, 1 to 65535.
    public var port: UInt16
    /// What to run: the transport, the direction, how long, how fast, and the transport's settings.
    public var parameters: TestParameters
    /// Which servers to believe. QUIC and TLS; on the others it must be ``TrustPolicy/verify(authorities:)`` without a
    /// file, because they have no certificates.
    public var trust: TrustPolicy
    /// The name to ask for and to find in the certificate, where it isn't `host`. QUIC and TLS.
    public var serverName: String?
    /// What this client shows to a server that demands a certificate. QUIC and TLS.
    public var certificate: CertificateFiles?
    /// How long the server may take to answer, handshake included. 10 s unless told otherwise, at most an hour.
    public var connectTimeout: Duration
    /// How the UDP sockets of QUIC and UDP tests are set up, and who encrypts those of QUIC and TLS.
    public var network: NetworkOptions
    /// Where this end's sockets begin: IP version, address and port. Every transport.
    public var local: LocalAddress
    /// Where known servers are remembered; nil for `$XDG_STATE_HOME/qrate`.
    public var stateDirectory: String?
    /// What this end records beside measuring.
    public var recording: RecordingOptions

    public init(
        host: String, port: UInt16 = defaultPort, parameters: TestParameters = TestParameters(),
        trust: TrustPolicy = .verify(), serverName: String? = nil, certificate: CertificateFiles? = nil,
        connectTimeout: Duration = .seconds(10), network: NetworkOptions = NetworkOptions(),
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
        self.network = network
        self.local = local
        self.stateDirectory = stateDirectory
        self.recording = recording
    }

    /// - Throws: `usage`, with the value and the limit that it breaks, or with the setting that the transport has no use
    ///   for.
    public func validate() throws(TestFailure) {
        guard !host.isEmpty else { throw TestFailure(.usage, "the host is empty") }
        guard port > 0 else { throw TestFailure(.usage, "port 0 can't be connected to") }
        guard connectTimeout > .zero, connectTimeout <= .seconds(3600) else {
            throw TestFailure(
                .usage,
                "a connect timeout of \(fixedPoint(connectTimeout.seconds, decimals: 3)) s is out of range: "
                    + "more than 0 s, at most 3600 s")
        }
        if let failure = parameters.usageFailure { throw failure }
        try network.validate()
        try refuseUnused()
        // QUIC's connections share one socket.
        try local.validate(sockets: parameters.transport == .quic ? 1 : parameters.streams)
    }

    /// What isn't in the parameters and yet makes no sense with every transport.
    private func refuseUnused() throws(TestFailure) {
        let name = parameters.transport.displayName
        if recording.qlogDirectory != nil, parameters.transport != .quic {
            throw TestFailure(.usage, "\(name) has no use for --qlog, which records QUIC's packets")
        }
        switch parameters.transport {
        case .quic, .tls: break
        case .tcp, .udp:
            let given = [
                trust == .verify() ? nil : "a choice of certificates (--ca, --pin, --insecure)",
                serverName == nil ? nil : "a certificate's name (--server-name)",
                certificate == nil ? nil : "a client's certificate (--client-cert)",
            ]
            if let first = given.compactMap(\.self).first {
                throw TestFailure(.usage, "\(name) has no use for \(first): only QUIC and TLS have certificates")
            }
            if network.aead != .auto {
                throw TestFailure(.usage, "\(name) has no use for --aead: only QUIC and TLS encrypt")
            }
        }
        switch parameters.transport {
        case .quic: break
        case .udp:
            if parameters.settings.window != nil, network.socketBuffer != nil {
                throw TestFailure(
                    .usage,
                    "-w and --socket-buffer both size the sockets of a UDP test: choose one (-w sets both ends')")
            }
        case .tcp, .tls:
            let given = [
                network.usesSegmentationOffload ? nil : "--no-gso", network.usesReceiveOffload ? nil : "--no-gro",
                network.socketBuffer == nil ? nil : "--socket-buffer",
            ]
            if let first = given.compactMap(\.self).first {
                throw TestFailure(
                    .usage, "\(name) has no use for \(first), which is about UDP sockets; its buffers are set with -w")
            }
        }
    }
}
