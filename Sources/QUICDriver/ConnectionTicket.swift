package import QrateMeasurement
package import QrateQUICCore
package import QrateSecurity
package import QrateSockets

/// A server's promise to one test's client: so many data connections, made with the test's settings.
///
package struct ConnectionTicket: Sendable {
    let peer: SocketAddress
    let connections: Int
    let expiry: MonotonicTime
    let settings: ConnectionSettings
    /// Those of the test's control connection, so that its client sees the same certificate again.
    let credentials: ServerCredentials
    let applicationProtocols: [String]
    /// Gives the handler of a connection that shows a token of this ticket, on the thread that the connection came to.
    let makeHandler: MakeHandler
    /// The places whose connections were begun.
    var used: Set<UInt8> = []

    package typealias MakeHandler =
        @Sendable (EndpointLoop, ConnectionNumber, QUICConnection, ConnectionToken) ->
        any QUICConnectionHandler

    /// - Parameters:
    ///   - peer: The client. Its connections may come from other ports.
    ///   - connections: How many; at most 255.
    package init(
        peer: SocketAddress, connections: Int, expiry: MonotonicTime, settings: ConnectionSettings,
        credentials: ServerCredentials, applicationProtocols: [String], makeHandler: @escaping MakeHandler
    ) {
        self.peer = peer
        self.connections = connections
        self.expiry = expiry
        self.settings = settings
        self.credentials = credentials
        self.applicationProtocols = applicationProtocols
        self.makeHandler = makeHandler
    }

    /// Each place once, from the client's own address, and not for ever.
    func admits(_ token: ConnectionToken, from remote: SocketAddress, now: MonotonicTime) -> Bool {
        now < expiry && Int(token.place) < connections && !used.contains(token.place) && remote.host == peer.host
    }
}
