import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSockets
import QrateTransportAPI

/// The processor time of one endpoint's thread, from the first payload that a plane's connections moved on it to the last.
///
/// A server's thread has connections of many tests. Their parts of its time can't be told apart without asking the system
/// for each batch of packets; so the meter counts how many of the thread's datagrams were the test's own, and says where it
/// wasn't nearly all of them.
///
/// `@unchecked Sendable`: a plane holds it for the lanes of one thread; everything that changes is touched on that thread
/// alone.
final class EndpointMeter: @unchecked Sendable {
    private weak var loop: EndpointLoop?
    /// The session's connection for control, where it is on this thread and carries no payload.
    private let control: ConnectionNumber?
    /// At a server: the test's latency probes that come past QUIC, to the thread that takes such things.
    private let probes: ProbeCount
    private var connections: [(connection: QUICConnection, before: UInt64)] = []
    /// Datagrams of the connections that are over.
    private var past: UInt64 = 0
    private var moving: Set<Int> = []
    private var first: Mark?
    private var last: Mark?

    private struct Mark {
        var work: EndpointWork
        /// Datagrams of the test.
        var own: UInt64
    }

    /// Beyond one datagram in so many that is of others, the thread's time isn't the test's. Others' handshakes cost some
    /// hundred times what a datagram costs.
    private static let negligible: UInt64 = 1000

    init(_ loop: EndpointLoop, control: ConnectionNumber?, _ probes: ProbeCount) {
        self.loop = loop
        self.control = control
        self.probes = probes
    }

    func add(_ connection: QUICConnection) { connections.append((connection, connection.datagramsMoved)) }

    /// The connection is over.
    func remove(_ connection: QUICConnection) {
        guard let index = connections.firstIndex(where: { $0.connection === connection }) else { return }
        past &+= Self.growth(connections.remove(at: index))
    }

    /// A lane's first payload is about to move, or has just come. Repetition has no effect.
    func begin(place: Int) {
        guard moving.insert(place).inserted else { return }
        if first == nil { first = mark() }
        last = nil
    }

    /// A lane has moved its last payload.
    func end(place: Int) {
        guard moving.remove(place) != nil, moving.isEmpty else { return }
        last = mark()
    }

    /// nil before payload moved. Without a name.
    func usage() -> ThreadUsage? {
        guard let first, let last = last ?? mark() else { return nil }
        let (before, after) = (first.work, last.work)
        let all = after.datagrams - before.datagrams
        let others = all - min(all, last.own - min(last.own, first.own))
        return ThreadUsage(
            name: "", user: max(after.times.user - before.times.user, .zero),
            system: max(after.times.system - before.times.system, .zero), elapsed: after.after - before.before,
            lookout: after.lookedOut - before.lookedOut,
            isShared: loop?.isOpen == true && others > all / Self.negligible)
    }

    private func mark() -> Mark? {
        guard let loop, let work = loop.work else { return nil }
        let control = control.map { loop.datagrams(of: $0) } ?? 0
        let beside = control &+ (loop.takesOthers ? probes.value : 0)
        return Mark(work: work, own: connections.reduce(past &+ beside) { $0 &+ Self.growth($1) })
    }

    private static func growth(_ entry: (connection: QUICConnection, before: UInt64)) -> UInt64 {
        entry.connection.datagramsMoved &- entry.before
    }
}

extension QUICLane {
    /// Payload begins to move on it.
    func beginMetering() { meter.begin(place: place) }

    /// To be called when it has sent or received the last of its payload.
    func endMeteringIfDone() {
        if !plan.sends || hasSent, !plan.receives || hasReceived { meter.end(place: place) }
    }
}

extension [LaneSample] {
    /// The threads' usage: each once, however many of the lanes were on it.
    func cpu() -> ProcessorUsage? {
        var threads: [(id: ObjectIdentifier, usage: ThreadUsage)] = []
        for sample in self {
            guard let usage = sample.cpu else { continue }
            guard let index = threads.firstIndex(where: { $0.id == sample.thread }) else {
                threads.append((sample.thread, usage))
                continue
            }
            // A connection that is over has an earlier one.
            if threads[index].usage.elapsed < usage.elapsed { threads[index].usage = usage }
        }
        return ProcessorUsage(
            threads.enumerated().map { index, thread in
                var usage = thread.usage
                usage.name = "endpoint \(index + 1)"
                return usage
            })
    }
}
