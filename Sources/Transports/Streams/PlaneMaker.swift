import QrateSockets
import QrateTransportAPI

/// Makes the data planes beside a control connection over TCP: what TCP, TLS and UDP tests differ in.
protocol PlaneMaker: Sendable {
    /// Server: makes ready for the client's streams, and says where they go.
    func offer(
        _ plan: DataPlan, beside control: ControlConnection
    ) async throws(TransportError) -> (any DataPlane, DataOffer)
    /// Client: opens the streams that the server offered.
    func open(
        _ plan: DataPlan, _ offer: DataOffer, beside control: ControlConnection
    ) async throws(TransportError) -> any DataPlane
}

/// The two ends of a session's control connection: where its data connections belong.
struct ControlConnection: Sendable {
    var local: SocketAddress
    var remote: SocketAddress
}
