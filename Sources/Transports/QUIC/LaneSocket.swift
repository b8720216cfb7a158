import QrateMeasurement
import QrateQUICDriver
import QrateSockets

/// The socket that a lane's connection shares with the others of its thread, seen from the moment the lane began.
struct LaneSocket {
    private let socket: DatagramSocket
    private let connections: Int
    private let connectionsEver: UInt64
    private let dropCounter: UInt32?

    /// - Parameter loop: Its thread's; the lane's connection is on it already.
    init(_ loop: EndpointLoop) {
        socket = loop.endpoint.socket
        (connections, connectionsEver) = loop.population
        dropCounter = socket.dropCounter
    }

    func sample(_ loop: EndpointLoop?) -> Sample {
        Sample(
            connectionsAtStart: connections,
            connectionsSince: loop.map { $0.population.ever - connectionsEver } ?? 0,
            drops: dropCounter.flatMap { before in socket.dropCounter.map { UInt64($0 &- before) } },
            askedBuffer: socket.askedBuffer, fallbacks: socket.fallbacks)
    }

    struct Sample: Sendable {
        /// The lane's own among them.
        let connectionsAtStart: Int
        let connectionsSince: UInt64
        /// What the kernel dropped for want of room.
        let drops: UInt64?
        let askedBuffer: Int
        let fallbacks: [OffloadFallback]
    }
}

extension [LaneSample] {
    /// What the kernel dropped at the sockets of a plane's lanes. nil when it doesn't tell, or when a socket that dropped
    /// something had other connections' packets, too: at a server's port those of other tests.
    func receiveBufferDrops() -> UInt64? {
        var sum: UInt64 = 0
        for lanes in Dictionary(grouping: self, by: \.thread).values {
            // The last one to begin knows best who was there: before it nothing was sent.
            guard let last = lanes.max(by: { $0.number < $1.number })?.socket, let drops = last.drops else {
                return nil
            }
            // The connection that carries control may be on the same thread as the plane's own ones.
            let own = lanes.count + (lanes.contains(where: \.isOwn) ? 1 : 0)
            let isAlone = last.connectionsSince == 0 && last.connectionsAtStart <= own
            guard isAlone || drops == 0 else { return nil }
            sum &+= drops
        }
        return isEmpty ? nil : sum
    }
}
