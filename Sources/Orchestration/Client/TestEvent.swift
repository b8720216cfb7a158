package import QrateMeasurement
package import QrateTransportAPI

/// What a client's test tells while it runs, for a live view. The report at the end has all of it again.
package enum TestEvent: Sendable {
    /// The connection is up and the server's certificate was accepted.
    case connected(PeerIdentity)
    /// Both ends agreed and payload begins to move.
    case started(TestHeader)
    case interval(IntervalReport)
    case warning(TestWarning)
    /// Payload stands still, or goes on.
    case paused(Bool)
}

/// What is known when payload begins to move.
package struct TestHeader: Sendable {
    package var id: String
    /// As they will be run, which can be longer than asked for: see the warning `duration_rounded`.
    package var parameters: TestParameters
    package var client: EndReport
    package var server: EndReport
    package var handshake: HandshakeReport?
    package var security: SecurityReport?
    /// Whether the server can pause a test.
    package var canPause: Bool
}
