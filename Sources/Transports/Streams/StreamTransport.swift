import Glibc
import QrateDatagramProtocol
package import QrateMeasurement
package import QrateSockets
package import QrateTransportAPI

/// Tests whose control connection is TCP, bare or secured, at the client. Each session has a thread of its own for it.
package struct StreamTransport: Transport {
    /// How this end's connections are set up.
    struct Setup: Sendable {
        var local = LocalEnd()
        /// The test's: multipath and marks apply to the control connection too.
        var settings = TransportSettings()
        /// A UDP test's sockets.
        var datagrams = DatagramSocket.Options()
    }

    private let setup: Setup
    private let prepare: Preparation

    /// Gets ready to talk to a server: reads files, loads what it takes to judge a certificate.
    typealias Preparation = @Sendable (Endpoint) async throws(TransportError) -> ClientStreams

    /// Tests over bare TCP, and over UDP beside a bare control connection.
    ///
    /// - Parameter datagrams: How the sockets of a UDP test are set up.
    package static func tcp(
        local: LocalEnd = LocalEnd(), settings: TransportSettings = TransportSettings(),
        datagrams: DatagramSocket.Options = DatagramSocket.Options()
    ) -> Self {
        Self(Setup(local: local, settings: settings, datagrams: datagrams)) { _ in ClientStreams() }
    }

    /// - Parameter prepare: The seam for TLS: what it gives makes the control and the data connections.
    init(_ setup: Setup, _ prepare: @escaping Preparation) {
        self.setup = setup
        self.prepare = prepare
    }

    package func connect(to endpoint: Endpoint, timeout: Duration) async throws(TransportError) -> any TransportSession
    {
        try refuseUnknownController()
        let connector = StreamConnector(
            endpoint: endpoint, local: setup.local, localAddresses: try await localAddresses(),
            streams: try await prepare(endpoint))
        let addresses = try await addresses(of: endpoint)
        let deadline = MonotonicClock.now() + timeout
        let stop: StopSignal
        do throws(SocketError) {
            stop = try StopSignal()
        } catch {
            throw TransportError(.failed, "cannot connect: \(error)", code: Int64(error.code))
        }
        // One after the other, as far as the system says quickly that there is nothing: a host without IPv6, a server
        // on one family only. An address that just stays silent uses the time up.
        var failure = TransportError(.unreachable, "\(endpoint.host) has no address")
        for address in addresses {
            do throws(TransportError) {
                return try await connect(connector, address, timeout: timeout, deadline, stop)
            } catch {
                failure = error
                guard error.kind == .unreachable, error.code != Int64(ETIMEDOUT) else { break }
            }
        }
        throw failure
    }

    /// A controller that this end can't use is refused before anything is sent.
    private func refuseUnknownController() throws(TransportError) {
        guard let name = setup.settings.congestionController, let error = CongestionControl.refusal(of: name) else {
            return
        }
        let reason = error.code == ENOENT ? "" : " (\(error.reason))"
        throw TransportError(
            .usage,
            "this system can't use the congestion controller \(name)\(reason): use one of "
                + CongestionControl.available.joined(separator: ", "), code: Int64(error.code))
    }

    private func addresses(of endpoint: Endpoint) async throws(TransportError) -> [SocketAddress] {
        do throws(ResolverError) {
            return try await Resolver.resolve(endpoint.host, port: endpoint.port, family: setup.local.family)
        } catch {
            throw TransportError(.unreachable, "cannot find \(error.host): \(error.reason)", code: Int64(error.code))
        }
    }

    private func localAddresses() async throws(TransportError) -> [SocketAddress] {
        guard let host = setup.local.host else { return [] }
        do throws(ResolverError) {
            return try await Resolver.resolve(host, port: 0, family: setup.local.family)
        } catch {
            throw TransportError(
                .usage, "cannot bind to \(host): \(error.reason)", code: Int64(error.code))
        }
    }

    private func connect(
        _ connector: StreamConnector, _ address: SocketAddress, timeout: Duration, _ deadline: MonotonicTime,
        _ stop: StopSignal
    ) async throws(TransportError) -> any TransportSession {
        var options = StreamOptions()
        options.sendsWithoutDelay = true
        options.typeOfService = setup.settings.typeOfService
        options.usesMultipath = setup.settings.usesMultipath
        let startedAt = MonotonicClock.now()
        let connected = await withTaskCancellationHandler {
            await DedicatedThread.run(name: "qrate-connect") { [options] in
                Result { () throws(TransportError) in
                    try connector.connect(to: address, port: 0, options, timeout: timeout, deadline, stop)
                }
            }
        } onCancel: {
            stop.raise()
        }
        let stream = try connected.get()
        let duration = MonotonicClock.now() - startedAt
        stream.socket.watchControl()
        let loop: StreamLoop
        let sessionStop: StopSignal
        do throws(SocketError) {
            sessionStop = try StopSignal()
            loop = try StreamLoop(name: "qrate-control")
        } catch {
            throw TransportError(.failed, "cannot connect: \(error)", code: Int64(error.code))
        }
        let core = ControlCore(stream)
        loop.post { turn in
            turn.add(core)
            turn.poke(core)
        }
        let makers = makers(connector)
        let session = StreamSession(
            peer: PeerIdentity(
                address: "\(address)", handshake: HandshakeReport(duration: duration, isResumed: stream.isResumed),
                security: stream.security,
                warnings: TestWarning.about(stream.security), transports: Set(makers.keys)),
            connection: ControlConnection(
                local: stream.socket.local, remote: address, endpoint: connector.endpoint,
                congestionController: stream.socket.congestionController, stop: sessionStop),
            loop: loop, core: core, makers: makers, ownsLoop: true,
            makeLanes: { [options, streams = connector.streams] count throws(TransportError) in
                try streams.makeLanes(connector, address, options, count)
            },
            makeProbes: { plan, token throws(TransportError) in
                try Self.probes(plan, token, connector, to: address, sessionStop)
            })
        try await connector.streams.accepted(stream.security, session)
        return session
    }

    /// A UDP test has no connection for probes to go through.
    private static func probes(
        _ plan: DataPlan, _ token: FlowToken, _ connector: StreamConnector, to address: SocketAddress,
        _ stop: StopSignal
    ) throws(TransportError) -> SessionProbes {
        let settings = plan.parameters.settings
        let beside = try DatagramProbeLink.start(
            token, to: address, from: try connector.beginning(for: address, port: 0), settings)
        guard plan.parameters.transport != .udp else {
            return SessionProbes(inside: nil, beside: beside.series, [beside.hasEnded])
        }
        do throws(TransportError) {
            let inside = try StreamProbeLink.start(token, connector, to: address, settings, stop)
            return SessionProbes(inside: inside.series, beside: beside.series, [beside.hasEnded, inside.hasEnded])
        } catch {
            beside.series.close()
            throw error
        }
    }

    /// What goes beside a control connection of this kind: another kind of data is another entry.
    private func makers(_ connector: StreamConnector) -> [TransportKind: any PlaneMaker] {
        let transport = connector.streams.transport
        var makers: [TransportKind: any PlaneMaker] = [transport: TCPPlaneMaker.Client(connector: connector)]
        if transport == .tcp { makers[.udp] = UDPPlaneMaker.Client(connector: connector, base: setup.datagrams) }
        return makers
    }
}

/// How a client's connected sockets become byte streams: the difference between TCP and TLS.
struct ClientStreams: Sendable {
    var transport = TransportKind.tcp
    /// Makes the stream of a connected socket; its handshake is still to come. Called on threads that may block, several
    /// at a time.
    var make: @Sendable (StreamSocket) throws(TransportError) -> any ByteStream = { TCPStream($0) }
    /// Called once the control connection's handshake is done: remembers a server that was accepted, or refuses it after
    /// all, having closed the session.
    var accepted: @Sendable (SecurityReport?, any TransportSession) async throws(TransportError) -> Void = { _, _ in }
    /// Makes lanes for handshakes with a server that was accepted.
    var makeLanes:
        @Sendable (StreamConnector, SocketAddress, StreamOptions, Int) throws(TransportError) -> any HandshakeLanes = {
            _, _, _, _ throws(TransportError) in
            throw TransportError(.usage, "TCP has no handshake but the kernel's: there is nothing to measure here")
        }
}
