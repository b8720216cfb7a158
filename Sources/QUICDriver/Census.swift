import Synchronization

/// How many connections all threads of a server have: a limit holds for them together. Written when a connection begins,
/// completes its handshake, or is forgotten.
final class Census: Sendable {
    private let counts = Mutex(Counts())

    struct Counts {
        var connections = 0
        /// Those that no ticket let in.
        var clients = 0
        /// Clients whose handshake is under way.
        var handshakes = 0
    }

    var now: Counts { counts.withLock { $0 } }

    /// - Returns: Whether one more client may begin; then it is counted.
    func admitClient(limit: Int) -> Bool {
        counts.withLock { counts in
            guard counts.clients < limit else { return false }
            counts.connections += 1
            counts.clients += 1
            counts.handshakes += 1
            return true
        }
    }

    /// A connection that a ticket lets in.
    func admitHolder() { counts.withLock { $0.connections += 1 } }

    func handshakeEnded() { counts.withLock { $0.handshakes -= 1 } }

    func forget(isClient: Bool, isShakingHands: Bool) {
        counts.withLock { counts in
            counts.connections -= 1
            if isClient { counts.clients -= 1 }
            if isShakingHands { counts.handshakes -= 1 }
        }
    }
}
