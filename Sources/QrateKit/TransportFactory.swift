import QrateMeasurement
import QrateSecurity
import QrateTransportAPI
import QrateTransports

/// The one place that knows which transport carries which kind of test.
enum TransportFactory {
    static func make(_ configuration: TestConfiguration) throws(TestFailure) -> any Transport {
        let trust = try configuration.trust.clientTrust(
            serverName: configuration.serverName, stateDirectory: configuration.stateDirectory)
        switch configuration.parameters.transport {
        case .quic:
            do throws(TransportError) {
                return try QUICTransport(
                    for: configuration.parameters, socketOptions: configuration.network.socketOptions, trust: trust
                ) { [files = configuration.certificate] () throws(SecurityError) in
                    guard let files else { return ClientIdentity() }
                    return try ClientIdentity.load(chainFile: files.chain, keyFile: files.key)
                }
            } catch {
                throw error.failure
            }
        case .tcp:
            return StreamTransport.tcp(
                local: configuration.local.localEnd, settings: configuration.parameters.settings)
        case .tls, .udp:
            throw TestFailure(
                .usage, "\(configuration.parameters.transport.rawValue) tests are not available in this version")
        }
    }
}
