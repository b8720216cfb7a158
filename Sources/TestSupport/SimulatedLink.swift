package import QrateMeasurement

/// A link between two hosts, on a clock that a test moves: delay, loss, reordering, duplicates, a datagram size limit.
///
/// The draws come from a seeded generator, so that a failing run can be repeated.
package struct SimulatedLink {
    package var delay = Duration.milliseconds(5)
    /// Shares of datagrams, 0 to 1.
    package var loss = 0.0
    package var reordering = 0.0
    package var duplication = 0.0
    /// Larger UDP payloads vanish, as on a path with that MTU.
    package var largestPayload = 65_535
    /// Replaces ECT(0) by CE in this share of datagrams, and clears every mark when `bleachesECN` is set.
    package var congestionMarking = 0.0
    package var bleachesECN = false

    package private(set) var carried = 0
    package private(set) var lost = 0
    package private(set) var largestSeen = 0
    private var generator: SplitMix64
    private var inFlight: [Flight] = []
    private var sequence: UInt64 = 0

    package struct Datagram {
        package var bytes: [UInt8]
        package var ecn: UInt8
    }

    private struct Flight {
        var due: MonotonicTime
        var sequence: UInt64
        var datagram: Datagram
    }

    package init(seed: UInt64 = 1) { generator = SplitMix64(seed: seed) }

    package mutating func send(_ datagram: Datagram, now: MonotonicTime) {
        guard datagram.bytes.count <= largestPayload, !draw(loss) else {
            lost += 1
            return
        }
        largestSeen = max(largestSeen, datagram.bytes.count)
        var datagram = datagram
        if bleachesECN { datagram.ecn = 0 }
        if datagram.ecn == 2, draw(congestionMarking) { datagram.ecn = 3 }
        // A reordered datagram is overtaken by those of the next half delay.
        let extra = draw(reordering) ? delay / 2 : .zero
        enqueue(datagram, now + delay + extra)
        if draw(duplication) { enqueue(datagram, now + delay + delay / 4) }
    }

    /// When the next datagram arrives.
    package var nextArrival: MonotonicTime { inFlight.first?.due ?? .never }

    package mutating func receive(now: MonotonicTime) -> Datagram? {
        guard let first = inFlight.first, first.due <= now else { return nil }
        carried += 1
        return inFlight.removeFirst().datagram
    }

    private mutating func enqueue(_ datagram: Datagram, _ due: MonotonicTime) {
        sequence += 1
        let flight = Flight(due: due, sequence: sequence, datagram: datagram)
        let index = inFlight.lastIndex { $0.due <= due }.map { $0 + 1 } ?? 0
        inFlight.insert(flight, at: index)
    }

    private mutating func draw(_ share: Double) -> Bool {
        share > 0 && Double.random(in: 0..<1, using: &generator) < share
    }
}
