import QrateMeasurement

/// What the tests of a comparison say together that none of them says alone.
extension ComparisonReport {
    var doubts: [TestWarning] { [udpBlocked, udpThrottled].compactMap(\.self) }

    /// QUIC or UDP got no answer where TCP did: the path, or a firewall, has no use for UDP.
    private var udpBlocked: TestWarning? {
        let deaf = parameters.transports.filter { $0.isOverUDP && fails($0) }
        let heard = parameters.transports.first { !$0.isOverUDP && carries($0) }
        guard let first = deaf.first, let heard else { return nil }
        return TestWarning(
            code: "udp_blocked",
            message:
                "\(heard.displayName) reaches the server and \(first.displayName) doesn't: UDP to this port seems to "
                + "be blocked on the way.")
    }

    /// QUIC carries much less than TCP does and loses much more of what it sends. Where a path drops packets of both
    /// alike, both suffer alike.
    private var udpThrottled: TestWarning? {
        for pair in pairs where pair.transport.isOverUDP != pair.other.isOverUDP {
            let (datagrams, segments) =
                pair.transport.isOverUDP ? (pair.transport, pair.other) : (pair.other, pair.transport)
            guard let interval = pair.interval else { continue }
            let most = pair.transport.isOverUDP ? interval.upper : 1 / interval.lower
            guard most < Self.throttledRatio, let lost = lossShare(datagrams, pair.direction),
                let repeated = lossShare(segments, pair.direction),
                lost > Self.throttledLoss, lost > Self.throttledExcess * repeated
            else { continue }
            return TestWarning(
                code: "udp_throttled",
                message: "In the \(pair.direction.rawValue) \(datagrams.displayName) carries far less than "
                    + "\(segments.displayName) and loses \(fixedPoint(lost * 100, decimals: 1)) % of its packets, where "
                    + "\(segments.displayName) sends \(fixedPoint(repeated * 100, decimals: 2)) % again: the path seems to "
                    + "limit UDP alone.")
        }
        return nil
    }

    /// Beyond these it isn't chance, nor how the two controllers react to the same losses.
    private static let throttledRatio = 0.7
    private static let throttledLoss = 0.005
    private static let throttledExcess = 4.0

    private func fails(_ transport: TransportKind) -> Bool {
        let tests = rounds.compactMap { $0.test(transport) }
        return !tests.isEmpty && tests.allSatisfy { $0.failure?.kind == .unreachable }
    }

    private func carries(_ transport: TransportKind) -> Bool {
        rounds.contains { $0.test(transport).map { $0.failure == nil } ?? false }
    }

    /// The share of a sender's packets that it declared lost (QUIC) or sent again (TCP), over all rounds; nil where that
    /// isn't known.
    private func lossShare(_ transport: TransportKind, _ direction: Direction) -> Double? {
        var lost = 0.0, sent = 0.0
        for round in rounds {
            guard let test = round.test(transport), test.failure == nil, let path = test.path(direction) else {
                continue
            }
            switch path.metrics {
            case .quic(let quic):
                guard let packets = quic.streamPacketsLost, let all = quic.datagramsSent else { return nil }
                lost += Double(packets)
                sent += Double(all)
            case .tcp(let tcp):
                guard let segments = tcp.retransmissions, let bytes = tcp.bytesAcknowledged,
                    let size = tcp.maxSegmentSize, size > .zero
                else { return nil }
                lost += Double(segments)
                sent += Double(segments) + Double(bytes.bytes) / Double(size.bytes)
            case .udp: return nil
            }
        }
        return sent > 0 ? lost / sent : nil
    }
}

extension TransportKind {
    fileprivate var isOverUDP: Bool { self == .quic || self == .udp }
}
