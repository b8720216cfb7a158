package import QrateQUICCore
package import QrateSecurity
package import QrateSockets
import Synchronization

/// A thread with a UDP socket and the connections that live on it.
///
/// Other threads talk to it through a mailbox; the loop itself (``EndpointLoop``) belongs to the thread alone.
package final class QUICEndpoint: Sendable {
    package typealias Work = @Sendable (EndpointLoop) -> Void

    private let mailbox = Mutex(Mailbox())
    private let wakeUp: WakeUp
    package let socket: DatagramSocket

    private struct Mailbox {
        var work: [Work] = []
        var isStopping = false
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Starts the thread of a client's endpoint.
    package convenience init(_ socket: DatagramSocket, name: String) throws(SocketError) {
        try self.init(socket, name: name, acceptor: nil, group: nil)
    }

    /// - Parameters:
    ///   - acceptor: For a server: what to do with new clients. nil for a client's endpoint.
    ///   - group: For a server: the threads of its port.
    init(_ socket: DatagramSocket, name: String, acceptor: Acceptor?, group: EndpointGroup?) throws(SocketError) {
        self.socket = socket
        wakeUp = try WakeUp()
        let local = try socket.localAddress()
        DedicatedThread(name: name) { [self] in
            let loop = EndpointLoop(self, socket, wakeUp, local: local, acceptor: acceptor, group: group)
            loop.run(mailbox: { self.takeWork() })
            ended()
        }.detach()
    }

    /// Makes and configures what a server's endpoint needs to accept clients.
    package struct Acceptor: Sendable {
        package var gate: ServerGate
        package var applicationProtocols: [String]
        package var settings: ConnectionSettings
        /// Asked for each new connection, so that certificates can be replaced while the server runs.
        package var credentials: @Sendable () -> ServerCredentials
        /// Called on the endpoint's thread with each new connection's number; gives its handler.
        package var makeHandler: MakeHandler
        package var connectionLimit: Int
        /// Gets, on the endpoint's thread, what came to the port and isn't QUIC: first bytes below 0x40.
        package var others: (@Sendable (StrayDatagram) -> Void)?

        package typealias MakeHandler =
            @Sendable (EndpointLoop, ConnectionNumber, SocketAddress) ->
            any QUICConnectionHandler

        package init(
            gate: ServerGate, applicationProtocols: [String], settings: ConnectionSettings, connectionLimit: Int,
            credentials: @escaping @Sendable () -> ServerCredentials,
            makeHandler: @escaping MakeHandler
        ) {
            self.gate = gate
            self.applicationProtocols = applicationProtocols
            self.settings = settings
            self.connectionLimit = connectionLimit
            self.credentials = credentials
            self.makeHandler = makeHandler
        }
    }

    /// Runs `work` on the thread, soon. Dropped once the endpoint has stopped.
    package func post(_ work: @escaping Work) {
        let isAccepted = mailbox.withLock { box in
            guard !box.isStopping else { return false }
            box.work.append(work)
            return true
        }
        if isAccepted { wakeUp.signal() }
    }

    /// Runs `body` on the thread and waits for what it gives; nil when the endpoint has stopped.
    package func ask<Answer: Sendable>(_ body: @escaping @Sendable (EndpointLoop) -> Answer) async -> Answer? {
        await withCheckedContinuation { continuation in
            let reply = OneReply(continuation)
            post { loop in reply.give(body(loop)) }
            // Where the work is dropped, `reply` goes away unanswered, which answers nil.
        }
    }

    /// What ``stop()`` does, without waiting for it.
    package func cancel() {
        mailbox.withLock { $0.isStopping = true }
        wakeUp.signal()
    }

    /// Closes every connection, sends what that takes, and ends the thread. Returns when it has ended.
    package func stop() async {
        await withCheckedContinuation { continuation in
            let isOver = mailbox.withLock { box in
                guard !box.hasEnded else { return true }
                box.isStopping = true
                box.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() } else { wakeUp.signal() }
        }
    }

    private func takeWork() -> (work: [Work], isStopping: Bool) {
        mailbox.withLock { box in
            defer { box.work.removeAll(keepingCapacity: true) }
            return (box.work, box.isStopping)
        }
    }

    private func ended() {
        let (waiters, dropped) = mailbox.withLock { box in
            defer {
                box.waiters = []
                box.work = []
            }
            box.isStopping = true
            box.hasEnded = true
            return (box.waiters, box.work)
        }
        for waiter in waiters { waiter.resume() }
        _ = consume dropped  // released outside the lock: answers nil to those who asked
    }
}

/// Resumes a continuation exactly once: with an answer, or with nil when it is dropped.
private final class OneReply<Answer: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Answer?, Never>?>

    init(_ continuation: CheckedContinuation<Answer?, Never>) { self.continuation = Mutex(continuation) }

    deinit { give(nil) }

    func give(_ answer: Answer?) {
        let taken = continuation.withLock { slot in
            defer { slot = nil }
            return slot
        }
        taken?.resume(returning: answer)
    }
}

/// Names a connection of an endpoint to other threads, for as long as the endpoint lives.
package struct ConnectionNumber: Hashable, Sendable, Comparable {
    let value: UInt64

    /// Whether the connection began earlier.
    package static func < (left: ConnectionNumber, right: ConnectionNumber) -> Bool { left.value < right.value }
}

/// A datagram on a server's port that isn't QUIC. Borrowed for the call that hands it over.
package struct StrayDatagram {
    package let bytes: UnsafeRawBufferPointer
    /// Where it came from, and the address that it was sent to, each a sockaddr.
    package let remote: UnsafeRawBufferPointer
    package let local: UnsafeRawBufferPointer
    /// Takes a datagram that another socket on this port got in the endpoint's stead: from whom, and what.
    package let reroute: (_ remote: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) -> Void
}
