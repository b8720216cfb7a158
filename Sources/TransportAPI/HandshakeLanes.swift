package import QrateMeasurement

/// Connections to one server that are made for their handshakes alone: in each lane one behind the other.
///
/// A lane is a thread. It ends a connection in order, once the server has said that the handshake is complete there, too,
/// and then begins the next one.
package protocol HandshakeLanes: Sendable {
    /// How many handshakes may be under way at a time.
    var count: Int { get }
    /// Works until the sink says that it is enough. One run at a time. Returns when every lane is done.
    func run(_ job: HandshakeJob, _ sink: any HandshakeSink) async
    /// Gives up what is under way, and lets ``run(_:_:)`` return. Idempotent, from any thread; nothing runs after it.
    func cancel()
    /// Ends the lanes' threads. Not while a run is under way.
    func close() async
}

/// What lanes do in one run.
package struct HandshakeJob: Sendable {
    package var kind: HandshakeKind
    /// Wait on each connection for the ticket that the next one resumes with. Without it only cold ones are possible.
    package var keepsTickets: Bool
    /// How long one handshake may take.
    package var timeout: Duration

    package init(kind: HandshakeKind, keepsTickets: Bool, timeout: Duration) {
        self.kind = kind
        self.keepsTickets = keepsTickets
        self.timeout = timeout
    }
}

/// Takes what became of handshakes, and decides whether more are wanted. Called from all lanes, at any time; it must be quick.
package protocol HandshakeSink: Sendable {
    /// Whether this lane, of 0 to the number of lanes, shall make another one now.
    func mayBegin(lane: Int, now: MonotonicTime) -> Bool
    /// Exactly one of these two for each that was begun, unless it was given up.
    func completed(_ handshake: CompletedHandshake)
    func failed(_ fault: HandshakeFault, _ error: TransportError)
}

/// A handshake that is complete at the client.
package struct CompletedHandshake: Sendable, Hashable {
    package var completedAt: MonotonicTime
    /// From the moment at which the client began to make the connection.
    package var duration: Duration
    /// TCP's part of it, where there is one.
    package var connecting: Duration?
    package var kind: HandshakeKind

    package init(completedAt: MonotonicTime, duration: Duration, connecting: Duration? = nil, kind: HandshakeKind) {
        self.completedAt = completedAt
        self.duration = duration
        self.connecting = connecting
        self.kind = kind
    }
}

extension TransportSession {
    /// Transports without handshakes of their own, and servers, have none.
    package func handshakeLanes(_ count: Int) throws(TransportError) -> any HandshakeLanes {
        throw TransportError(.usage, "connections of this transport have no handshake to measure")
    }
}
