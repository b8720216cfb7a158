import QrateMeasurement
import QrateOrchestration

/// A comparison of transports, as a client wants it.
public struct ComparisonConfiguration: Sendable, Hashable {
    /// Which transports, over how many rounds, and what each test is.
    public var parameters: ComparisonParameters
    /// Where the server is and how it is reached and believed. Its own parameters don't count; what a transport has no use
    /// for, as certificates on bare TCP, is left out of that transport's tests.
    public var connection: TestConfiguration

    public init(_ connection: TestConfiguration, parameters: ComparisonParameters = ComparisonParameters()) {
        self.connection = connection
        self.parameters = parameters
    }

    /// - Throws: `usage`, with the value and the limit that it breaks.
    public func validate() throws(TestFailure) {
        if let failure = parameters.usageFailure { throw failure }
        for transport in parameters.transports { try configuration(for: transport).validate() }
    }

    /// A few handshakes of one transport, of each kind.
    func handshakes(of transport: TransportKind) -> HandshakeConfiguration {
        let test = configuration(for: transport)
        let parameters = HandshakeParameters(
            transport: transport, duration: Self.longestHandshakes, count: Self.handshakes,
            cipher: test.parameters.settings.cipher)
        var configuration = HandshakeConfiguration(
            host: test.host, port: test.port, parameters: parameters, trust: test.trust, serverName: test.serverName,
            certificate: test.certificate, connectTimeout: test.connectTimeout, local: test.local,
            stateDirectory: test.stateDirectory,
            recording: RecordingOptions(keyLogFile: test.recording.keyLogFile))
        configuration.local.port = nil
        return configuration
    }

    /// Of each kind: enough for a median.
    private static let handshakes = 11
    private static let longestHandshakes = Duration.seconds(4)

    /// The test of one transport.
    func configuration(for transport: TransportKind) -> TestConfiguration {
        var configuration = connection
        configuration.parameters = parameters.parameters(for: transport)
        if transport == .tcp || transport == .udp {
            configuration.trust = .verify()
            configuration.serverName = nil
            configuration.certificate = nil
            configuration.network.aead = .auto
        }
        if transport == .tcp || transport == .tls {
            let standard = NetworkOptions()
            configuration.network.usesSegmentationOffload = standard.usesSegmentationOffload
            configuration.network.usesReceiveOffload = standard.usesReceiveOffload
            configuration.network.socketBuffer = standard.socketBuffer
        }
        return configuration
    }
}
