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
            guard most < Self.throttledRatio, let lost = lossRatio(datagrams, pair.direction),
                let repeated = lossRatio(segments, pair.direction),
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

    private func lossRatio(_ transport: TransportKind, _ direction: Direction) -> Double? {
        figures.first { $0.transport == transport && $0.direction == direction }?.lossRatio
    }
}

extension TransportKind {
    fileprivate var isOverUDP: Bool { self == .quic || self == .udp }
}
