package import QrateMeasurement
package import QrateTransportAPI
import Synchronization

/// A transport and its listener, joined in memory: what orchestrators are tested with.
///
/// Control bytes arrive cut up in odd places, payload is counted and not moved, time is the manual clock's, and
/// ``InMemoryFaults`` say what goes wrong.
package final class InMemoryNetwork: Sendable {
    package let clock: ManualClock
    /// For the sessions that are connected from now on.
    private let settings: Mutex<Settings>
    private let accepted: AsyncStream<any TransportSession>
    private let accept: AsyncStream<any TransportSession>.Continuation
    fileprivate let refused: AsyncStream<RefusedClient>
    private let refusal: AsyncStream<RefusedClient>.Continuation
    private let links = Mutex<[InMemoryLink]>([])

    package struct Settings: Sendable {
        package var faults = InMemoryFaults()
        /// Payload per stream and interval. A budget without a duration goes all at once when this is nil.
        package var bytesPerTick: ByteCount?
        /// Datagrams lost per interval: with it, payload is datagrams of one byte, and a receiver counts them.
        package var lostPerTick: Int64?
        /// What a server's sessions can test, and what its listener says of itself.
        package var transports = Set(TransportKind.allCases)
        package var traits = PeerTraits.qrate
        package var serverAddress = "192.0.2.7:5201"
        package var seed: UInt64 = 1
        /// The one thread of a server is at work all the time. Otherwise, and at a client, it is for three eighths of it.
        package var serverIsBusy = false

        package init() {}
    }

    package init(clock: ManualClock = ManualClock(), _ settings: Settings = Settings()) {
        self.clock = clock
        self.settings = Mutex(settings)
        (accepted, accept) = AsyncStream.makeStream()
        (refused, refusal) = AsyncStream.makeStream()
    }

    package convenience init(clock: ManualClock = ManualClock(), faults: InMemoryFaults) {
        var settings = Settings()
        settings.faults = faults
        self.init(clock: clock, settings)
    }

    package func configure(_ change: (inout Settings) -> Void) { settings.withLock { change(&$0) } }

    package var transport: any Transport { InMemoryTransport(network: self) }
    package var listener: any TransportListener { InMemoryListener(network: self) }
    package let endpoint = Endpoint(host: "server.example", port: 5201)

    /// How each connection's end was closed, in the order of connecting; nil for one that wasn't.
    package func closeReasons(by role: Role) -> [CloseReason?] {
        links.withLock { $0.map { $0.closeReason(of: role) } }
    }

    fileprivate func connect() async throws(TransportError) -> any TransportSession {
        let settings = settings.withLock { $0 }
        if let error = settings.faults.unreachable { throw error }
        if settings.faults.neverConnects {
            try? await clock.sleep(until: clock.now.advanced(by: .seconds(1_000_000)), tolerance: nil)
            throw TransportError(.unreachable, "Connecting was given up.")
        }
        let link = InMemoryLink(clock: clock, settings)
        let number = links.withLock { links in
            links.append(link)
            return links.count
        }
        let server = InMemorySession(role: .server, link: link, address: "198.51.100.\(number % 250):40000")
        guard case .enqueued = accept.yield(server) else { throw TransportError(.unreachable, "Nobody listens.") }
        return InMemorySession(role: .client, link: link, address: settings.serverAddress)
    }

    /// The probes of each connection, in the order of connecting.
    package var probes: [InMemoryProbes] { links.withLock { $0.map(\.probes) } }

    /// As if the listener had turned this client away in the handshake.
    package func refuse(_ client: RefusedClient) { refusal.yield(client) }

    fileprivate var traits: PeerTraits { settings.withLock { $0.traits } }
    fileprivate var incoming: AsyncStream<any TransportSession> { accepted }

    fileprivate func shutDown() {
        accept.finish()
        refusal.finish()
        for link in links.withLock({ $0 }) { link.close(by: .server, .shuttingDown) }
    }
}

/// What goes wrong in memory. Lines are counted from the connection's start.
package struct InMemoryFaults: Sendable {
    package var unreachable: TransportError?
    /// Connecting lasts until it is cancelled.
    package var neverConnects = false
    /// The connection is lost once this end has sent so many control lines.
    package var breaksAfterLines: (by: Role, count: Int)?
    /// This end closes the connection once it has sent so many control lines.
    package var leavesAfterLines: (by: Role, count: Int)?
    package var refusedOffer: TransportError?
    package var refusedOpening: TransportError?
    package var refusedProbes: TransportError?
    /// The planes fail after so many intervals of payload; control lives on.
    package var planesFailAfterTicks: Int?
    /// The receiver never learns that the streams have ended.
    package var losesTheEnd = false

    package init() {}
}

private struct InMemoryTransport: Transport {
    let network: InMemoryNetwork

    func connect(to endpoint: Endpoint, timeout: Duration) async throws(TransportError) -> any TransportSession {
        try await network.connect()
    }
}

private struct InMemoryListener: TransportListener {
    let network: InMemoryNetwork

    var port: UInt16 { network.endpoint.port }
    var traits: PeerTraits { network.traits }
    var sessions: AsyncStream<any TransportSession> { network.incoming }
    var refusals: AsyncStream<RefusedClient> { network.refused }
    func close() async { network.shutDown() }
}

/// One end of a link.
private struct InMemorySession: TransportSession {
    let role: Role
    let link: InMemoryLink
    let address: String

    var peer: PeerIdentity {
        PeerIdentity(
            address: address, handshake: HandshakeReport(duration: .milliseconds(20)),
            transports: link.settings.transports)
    }
    var control: any ControlChannel { InMemoryControl(role: role, link: link) }

    func offer(_ plan: DataPlan) async throws(TransportError) -> (any DataPlane, DataOffer) {
        if let error = link.settings.faults.refusedOffer { throw error }
        // As over UDP, where it isn't looked at otherwise.
        let token = plan.parameters.transport == .udp ? String(repeating: "a0", count: 16) : nil
        let probeToken = plan.parameters.measuresLatency ? String(repeating: "b1", count: 16) : nil
        return (link.makePlanes(plan).server, DataOffer(token: token, probeToken: probeToken))
    }

    func open(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any DataPlane {
        if let error = link.settings.faults.refusedOpening { throw error }
        // Made at the server's offer; a test that plays the server by hand makes none.
        return link.makePlanes(plan).client
    }

    func latencyProbes(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any LatencyProbes {
        if let error = link.settings.faults.refusedProbes { throw error }
        return link.probes
    }

    func close(_ reason: CloseReason) async { link.close(by: role, reason) }
}

private struct InMemoryControl: ControlChannel {
    let role: Role
    let link: InMemoryLink

    func send(_ bytes: [UInt8]) async throws(TransportError) { try link.send(bytes, from: role) }
    func receive() async throws(TransportError) -> [UInt8]? { try await link.pipe(to: role).receive() }
}
