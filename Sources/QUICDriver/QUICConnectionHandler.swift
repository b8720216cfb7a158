package import QrateMeasurement
package import QrateQUICCore

/// What the owner of a connection is told, always on the endpoint's thread. Nothing here may block.
package protocol QUICConnectionHandler: AnyObject {
    /// A batch that arrived at `now` is about to be handed to the connection: what is counted until here came before.
    func willReceive(_ connection: QUICConnection, now: MonotonicTime)
    /// The connection is about to send what it can. Called once a turn, before ``didTurn(_:now:)``.
    func willTurn(_ connection: QUICConnection, now: MonotonicTime)
    /// The connection has sent what it could. Called once a turn, between the two others.
    ///
    /// - Parameters:
    ///   - began: When the thread took up the work of this turn, receiving included.
    ///   - isSocketFull: Whether a batch waits for room in the socket's buffer.
    func didSend(_ connection: QUICConnection, workSince began: MonotonicTime, isSocketFull: Bool)
    /// The connection was given datagrams, a timer or a command, and sent what it could. Called once a turn.
    func didTurn(_ connection: QUICConnection, now: MonotonicTime)
    func handle(_ event: QUICEvent, _ connection: QUICConnection, now: MonotonicTime)
    /// The peer's port is closed, says its host (ICMP). It may come back; a handler decides how long to believe that.
    func peerUnreachable(_ connection: QUICConnection, now: MonotonicTime)
    /// When ``didTurn(_:now:)`` must be called even if nothing happens; `.never` if that isn't needed.
    var deadline: MonotonicTime { get }
}

extension QUICConnectionHandler {
    package func didSend(_ connection: QUICConnection, workSince began: MonotonicTime, isSocketFull: Bool) {}
}
