package import QrateMeasurement
package import QrateQUICCore
import QrateSockets
import Synchronization

/// A server's tests that wait for data connections, by the secret in their tokens. Any of its threads may get the
/// connections; the lock is taken when one begins, not per packet.
package final class TicketStore: Sendable {
    private let tickets = Mutex<[[UInt8]: ConnectionTicket]>([:])

    package init() {}

    /// Lets a test's client make connections with a token that has this secret, until the ticket expires.
    package func issue(_ ticket: ConnectionTicket, secret: [UInt8], now: MonotonicTime) {
        tickets.withLock { tickets in
            tickets = tickets.filter { $0.value.expiry > now }
            tickets[secret] = ticket
        }
    }

    package func revoke(_ secret: [UInt8]) { tickets.withLock { $0[secret] = nil } }

    /// The connection in this place came to nothing: the client may try again.
    package func freePlace(_ token: ConnectionToken) {
        tickets.withLock { _ = $0[token.secret]?.used.remove(token.place) }
    }

    /// Whether ``take(_:from:now:)`` would give the token's ticket now.
    func admits(_ token: ConnectionToken, from peer: SocketAddress, now: MonotonicTime) -> Bool {
        tickets.withLock { $0[token.secret]?.admits(token, from: peer, now: now) ?? false }
    }

    /// The ticket for one connection in the token's place, which is taken then; nil when there is none.
    func take(_ token: ConnectionToken, from peer: SocketAddress, now: MonotonicTime) -> ConnectionTicket? {
        tickets.withLock { tickets in
            guard let ticket = tickets[token.secret], ticket.admits(token, from: peer, now: now) else { return nil }
            tickets[token.secret]?.used.insert(token.place)
            return ticket
        }
    }
}
