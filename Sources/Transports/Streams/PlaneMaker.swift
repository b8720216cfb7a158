import QrateSockets
import QrateTransportAPI

/// Makes the data planes beside a control connection over TCP: what TCP, TLS and UDP tests differ in.
///
/// The seam for another kind of data beside such a control connection: a session is given one maker per kind of test
/// (see ``StreamTransport`` and ``StreamListener``), and knows nothing else about data.
protocol PlaneMaker: Sendable {
    /// Server: makes ready for the client's streams, and says where they go.
    func offer(
        _ plan: DataPlan, beside control: ControlConnection
    ) async throws(TransportError) -> (any SessionPlane, DataOffer)
    /// Client: opens the streams that the server offered. Gives up when the control connection's `stop` is raised.
    func open(
        _ plan: DataPlan, _ offer: DataOffer, beside control: ControlConnection
    ) async throws(TransportError) -> any SessionPlane
}

/// A data plane that ends with its session.
protocol SessionPlane: DataPlane {
    /// Ends whatever still moves and lets every thread and descriptor go; returns when that is done. The last sample and
    /// the window stay readable, and ``DataPlane/events`` ends. Idempotent.
    func close() async
}

/// A session's control connection, for what is made beside it.
struct ControlConnection: Sendable {
    var local: SocketAddress
    var remote: SocketAddress
    /// As the user wrote it, at a client; nil at a server.
    var endpoint: Endpoint?
    /// The congestion controller of connections that ask for none.
    var congestionController: String?
    /// Raised when the session closes: whatever waits for it gives up.
    var stop: StopSignal
}
