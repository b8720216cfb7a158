package import QrateMeasurement

/// A way to reach servers, at the client: the seam between orchestrators and transports.
///
/// Orchestrators see this module and no transport. A new transport is a folder in `Transports/` that implements
/// these protocols; nothing in an orchestrator, a reporter or the command line's core branches on which one it is.
package protocol Transport: Sendable {
    /// Connects, completes the handshake and judges the server's certificate. Gives up when the task is cancelled.
    ///
    /// - Throws: ``TransportError``, whose kind tells an unreachable server from one that was refused here.
    func connect(to endpoint: Endpoint, timeout: Duration) async throws(TransportError) -> any TransportSession
}

/// The server side of a transport: one port number, many sessions.
package protocol TransportListener: Sendable {
    var port: UInt16 { get }
    /// What this end can do with its clients, as far as it was found to work here.
    var traits: PeerTraits { get }
    /// Every connection whose handshake completed, in order. Ends when the listener closes.
    var sessions: AsyncStream<any TransportSession> { get }
    /// Clients that the transport itself turned away in the handshake. When nobody takes them out, later ones are
    /// dropped. Ends when the listener closes.
    var refusals: AsyncStream<RefusedClient> { get }
    /// Stops accepting, closes what is open, frees the port. Returns when the threads have ended.
    func close() async
}

extension TransportListener {
    package var traits: PeerTraits { .qrate }
}

/// One connection between a client and a server, over which one test runs.
package protocol TransportSession: Sendable {
    var peer: PeerIdentity { get }
    var control: any ControlChannel { get }
    /// Server: makes ready to carry `plan`. What the client must know to open its half goes into `test_ack`.
    func offer(_ plan: DataPlan) async throws(TransportError) -> (any DataPlane, DataOffer)
    /// Client: opens the data plane that the server offered.
    func open(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any DataPlane
    /// Client: makes ready to measure latency with the token that the server offered. Once in a session.
    func latencyProbes(_ plan: DataPlan, _ offer: DataOffer) async throws(TransportError) -> any LatencyProbes
    /// Client: makes ready to connect to the same server again and again, by the same settings and to be shown the same
    /// certificate. The lanes live on when the session is closed.
    func handshakeLanes(_ count: Int) throws(TransportError) -> any HandshakeLanes
    /// Ends the connection and tells the peer why. Idempotent; returns once the connection's resources are free.
    /// Whatever waits for the session or its plane returns, or throws: nobody else wakes it.
    func close(_ reason: CloseReason) async
}

/// An ordered, reliable stream of bytes for the control dialect. Framing belongs to the dialect.
package protocol ControlChannel: Sendable {
    /// Queues `bytes`; they are sent in order, ahead of payload.
    func send(_ bytes: [UInt8]) async throws(TransportError)
    /// The next bytes that arrived, at least one; nil once the peer ended its half. One caller at a time.
    ///
    /// - Throws: When the connection is gone, and not before everything that had arrived was given out.
    func receive() async throws(TransportError) -> [UInt8]?
}

/// A host as the user wrote it, and a port.
package struct Endpoint: Sendable, Hashable {
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// Who is at the other end of a session, as far as the transport can tell.
package struct PeerIdentity: Sendable {
    /// Address and port, as in `192.0.2.7:5201` or `[2001:db8::7]:5201`.
    package var address: String
    package var handshake: HandshakeReport?
    /// What protects the connection; nil on transports that protect nothing.
    package var security: SecurityReport?
    /// What a reader of the test's figures should know of the connection.
    package var warnings: [TestWarning]
    /// What this session can test. Inside TLS a client asks for `tcp`; this tells what it means.
    package var transports: Set<TransportKind>
    /// Why this peer may run no test at all, to be told when it says hello; nil when it may.
    package var refusal: TestFailure?

    package init(
        address: String, handshake: HandshakeReport? = nil, security: SecurityReport? = nil,
        warnings: [TestWarning] = [], transports: Set<TransportKind> = Set(TransportKind.allCases),
        refusal: TestFailure? = nil
    ) {
        self.address = address
        self.handshake = handshake
        self.security = security
        self.warnings = warnings
        self.transports = transports
        self.refusal = refusal
    }
}

/// A client that came to no session, and why.
package struct RefusedClient: Sendable, Hashable {
    /// Address and port, as in ``PeerIdentity/address``.
    package var address: String
    package var failure: TestFailure

    package init(address: String, failure: TestFailure) {
        self.address = address
        self.failure = failure
    }
}

/// Why a connection is ended. The raw value is the application error code on transports that carry one.
package enum CloseReason: UInt64, Sendable {
    case done = 0
    case protocolError = 1
    case refused = 2
    case cancelled = 3
    case shuttingDown = 4
    case timedOut = 5
}
