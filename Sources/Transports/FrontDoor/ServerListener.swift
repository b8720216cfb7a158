package import QrateTransportAPI

/// A server's port with all that it serves: the sessions and refusals of several listeners as one.
package final class ServerListener: TransportListener {
    package let port: UInt16
    package let sessions: AsyncStream<any TransportSession>
    package let refusals: AsyncStream<RefusedClient>
    /// What works on all of them: a hello says it before anybody knows what the client will test.
    package let traits: PeerTraits
    private let listeners: [any TransportListener]

    /// Refusals that wait to be logged; each listener keeps as many.
    private static let refusalBacklog = 256

    /// - Parameter listeners: On the same front door. Nobody else takes their sessions and refusals out.
    package init(port: UInt16, _ listeners: [any TransportListener]) {
        self.port = port
        self.listeners = listeners
        traits = listeners.reduce(.qrate) { $0.intersection($1.traits) }
        let (sessions, session) = AsyncStream.makeStream(of: (any TransportSession).self)
        let (refusals, refusal) = AsyncStream.makeStream(
            of: RefusedClient.self, bufferingPolicy: .bufferingOldest(Self.refusalBacklog))
        self.sessions = sessions
        self.refusals = refusals
        // They end when their listeners close.
        Task {
            await withDiscardingTaskGroup { group in
                for listener in listeners {
                    group.addTask { for await arrival in listener.sessions { session.yield(arrival) } }
                    group.addTask { for await client in listener.refusals { refusal.yield(client) } }
                }
            }
            session.finish()
            refusal.finish()
        }
    }

    package func close() async {
        await withDiscardingTaskGroup { group in
            for listener in listeners { group.addTask { await listener.close() } }
        }
    }
}
