package import QrateMeasurement
internal import Synchronization

/// The TLS sessions that a client may go on with, so that it need not prove and judge everything anew (RFC 8446 §2.2).
///
/// A transport that was given one puts each session ticket there that a server sends, and takes one for each connection that
/// it makes. Nothing is written to a disk. Any number of transports and threads may share one.
///
/// A session is taken once at most, because whoever watches the network could tell that two connections with the same
/// ticket are of the same client (RFC 8446 appendix C.4).
package final class SessionMemory: Sendable {
    /// Of one server; who makes many connections at once has use for several.
    package static let limitPerServer = 16
    /// Of all servers together.
    package static let limit = 256

    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    private struct State {
        /// In the order in which they came.
        var entries: [Entry] = []
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private struct Entry {
        var server: Server
        var session: ResumableSession
    }

    /// What two connections have in common of which the second may resume the first's session.
    ///
    /// How the server is judged isn't part of it: its certificates are remembered, and judged anew each time.
    package struct Server: Sendable, Hashable {
        /// As ``KnownServers/endpoint(host:port:)`` spells it.
        package var endpoint: String
        /// What was asked for (SNI).
        package var name: String?
        package var carrier: TLSPriorities.Carrier
        /// What was offered (ALPN).
        package var applicationProtocols: [String]
        /// The only record cipher to agree to.
        package var cipher: CipherSuite?
        /// Of what the client showed of itself: a session belongs to whom the server knows by it.
        package var client: Fingerprint?
    }

    /// - Parameter now: Gives the time, also that in which the host slept.
    package init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) { self.now = now }

    /// Sessions that can be taken, of all servers.
    package var count: Int {
        state.withLock { state in
            Self.dropExpired(&state, now())
            return state.entries.count
        }
    }

    /// Remembers a session, and forgets the oldest ones where there are too many.
    ///
    /// - Parameters:
    ///   - data: GnuTLS's own form of it.
    ///   - chain: The certificates that it began with, in DER, the leaf first.
    func add(data: [UInt8], chain: [[UInt8]], lifetime: Duration, of server: Server) {
        let now = now()
        let session = ResumableSession(data: data, chain: chain, expiry: now + lifetime)
        let waiters = state.withLock { state in
            Self.dropExpired(&state, now)
            let ofServer = state.entries.indices.filter { state.entries[$0].server == server }
            if ofServer.count >= Self.limitPerServer, let oldest = ofServer.first { state.entries.remove(at: oldest) }
            if state.entries.count >= Self.limit { state.entries.removeFirst() }
            state.entries.append(Entry(server: server, session: session))
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The latest session of this server, which is forgotten from now on.
    func take(of server: Server) -> ResumableSession? {
        state.withLock { state in
            Self.dropExpired(&state, now())
            return state.entries.lastIndex { $0.server == server }.map { state.entries.remove(at: $0).session }
        }
    }

    private static func dropExpired(_ state: inout State, _ now: ContinuousClock.Instant) {
        state.entries.removeAll { $0.session.expiry <= now }
    }

    /// Returns when there is a session to take, or the task is cancelled. A server sends its tickets when the handshake is
    /// over, and a client reads them a moment later: who closes a connection at once gets none.
    package func waitForSession() async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    Self.dropExpired(&state, now())
                    if !state.entries.isEmpty || Task.isCancelled { return true }
                    state.waiters[number] = waiter
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}

/// A session of TLS 1.3 that one later connection may resume.
struct ResumableSession: Sendable {
    /// GnuTLS's own form of it, secrets included.
    let data: [UInt8]
    /// The certificates that the server showed when the session began, in DER, the leaf first.
    let chain: [[UInt8]]
    /// When the server forgets it (RFC 8446 §4.6.1).
    let expiry: ContinuousClock.Instant
}
