import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateTransportAPI
import QrateTransports

/// The one place that knows which transport carries which kind of test.
enum TransportFactory {
    /// - Parameters:
    ///   - recording: What its connections tell of themselves.
    ///   - sessions: What TLS sessions the transport may resume, and where it puts new ones; nil for none.
    static func make(
        _ configuration: TestConfiguration, _ recording: Recording, sessions: SessionMemory? = nil
    ) throws(TestFailure) -> any Transport {
        let trust = try configuration.trust.clientTrust(
            serverName: configuration.serverName, stateDirectory: configuration.stateDirectory)
        let settings = configuration.parameters.settings
        let identity: @Sendable () throws(SecurityError) -> ClientIdentity = {
            [files = configuration.certificate] () throws(SecurityError) in
            guard let files else { return ClientIdentity() }
            return try ClientIdentity.load(chainFile: files.chain, keyFile: files.key)
        }
        switch configuration.parameters.transport {
        case .quic:
            do throws(TransportError) {
                var transport = try QUICTransport(
                    for: configuration.parameters, local: configuration.local.localEnd,
                    socketOptions: configuration.network.socketOptions, trust: trust, identity: identity)
                transport.aead = configuration.network.aead
                transport.sessions = sessions
                transport.settings.eventLog = recording.qlog
                transport.settings.keyLog = recording.keyLog
                return transport
            } catch {
                throw error.failure
            }
        case .tls:
            return StreamTransport.tls(
                local: configuration.local.localEnd, settings: settings, trust: trust,
                aead: configuration.network.aead, identity: identity, sessions: sessions,
                keyLog: recording.keyLog)
        case .tcp, .udp:
            return StreamTransport.tcp(
                local: configuration.local.localEnd, settings: settings,
                datagrams: configuration.network.socketOptions)
        }
    }
}
