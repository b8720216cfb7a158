import QrateQUICCore
package import QrateSockets
import Synchronization

/// A server's endpoints: threads that share one port, each with a socket of its own.
///
/// Whose a packet is, its connection ID says (``QrateQUICCore/ConnectionIDSpace``), wherever it comes from: so a client
/// that changes its address stays on its thread. The kernel steers by the same rule. What reaches another thread all the
/// same is handed over: a run that the network merged out of two connections' packets, or what waited in a socket before
/// the rule held. What isn't QUIC belongs to the first thread.
package final class EndpointGroup: Sendable {
    package let tickets = TicketStore()
    let census = Census()
    private let members = Mutex<[QUICEndpoint]>([])
    private let handovers = Mutex(Handovers())

    private struct Handovers {
        var waiting = 0
        var counts = HandoverCounts()
    }

    /// What became of packets that reached another thread than their own, in runs of one connection.
    package struct HandoverCounts: Sendable, Hashable {
        package var handedOver: UInt64 = 0
        /// There were too many at once: to their connections it looks like loss.
        package var dropped: UInt64 = 0
    }

    /// Runs on their way between threads: 64 KiB each at most.
    private static let handoverLimit = 256

    /// Starts a thread for each socket.
    ///
    /// - Parameters:
    ///   - sockets: All on one port, as ``QrateSockets/DatagramSocket/shared(on:count:steers:_:)`` gives them; as
    ///     many as ``QrateQUICCore/ConnectionIDSpace/counts`` allows.
    ///   - acceptor: For each of the threads.
    package init(
        _ sockets: [DatagramSocket], name: String, acceptor: QUICEndpoint.Acceptor
    ) throws(SocketError) {
        for (index, socket) in sockets.enumerated() {
            var own = acceptor
            own.gate.ids = ConnectionIDSpace(index: index, of: sockets.count) ?? ConnectionIDSpace()
            do throws(SocketError) {
                let endpoint = try QUICEndpoint(socket, name: name, acceptor: own, group: self)
                members.withLock { $0.append(endpoint) }
            } catch {
                for endpoint in endpoints { endpoint.cancel() }
                throw error
            }
        }
    }

    package var endpoints: [QUICEndpoint] { members.withLock { $0 } }

    package var handoverCounts: HandoverCounts { handovers.withLock { $0.counts } }

    /// Closes every connection of every thread. Returns when all of them have ended.
    package func stop() async {
        await withDiscardingTaskGroup { tasks in
            for endpoint in endpoints { tasks.addTask { await endpoint.stop() } }
        }
    }

    // MARK: Handing over

    /// Gives a run of datagrams to the thread that they belong to. Copies them; drops them when too many are on their way.
    func handOver(_ run: StrayRun, to index: Int) {
        let mayGo = handovers.withLock { state in
            guard state.waiting < Self.handoverLimit else {
                state.counts.dropped += 1
                return false
            }
            state.waiting += 1
            state.counts.handedOver += 1
            return true
        }
        guard mayGo else { return }
        let endpoint = members.withLock { $0.indices.contains(index) ? $0[index] : nil }
        // Dropped with what it holds when that thread has stopped, which counts too.
        let place = HandoverPlace(self)
        endpoint?.post { loop in
            place.leave()
            loop.takeOver(run)
        }
    }

    /// One run that is on its way.
    private final class HandoverPlace: Sendable {
        private let group: EndpointGroup
        private let hasLeft = Atomic(false)

        init(_ group: EndpointGroup) { self.group = group }
        deinit { leave() }

        func leave() {
            if !hasLeft.exchange(true, ordering: .relaxed) { group.handovers.withLock { $0.waiting -= 1 } }
        }
    }
}

/// Datagrams of one connection on their way from the thread that received them to their own.
struct StrayRun: Sendable {
    let bytes: [UInt8]
    /// The size of each but the last.
    let segmentSize: Int
    let remote: SocketAddress
    let local: SocketAddress
    /// The ECN bits that all of them carried.
    let ecn: UInt8
}
