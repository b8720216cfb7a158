import QrateMeasurement

/// What a pair's figures say, in words. "Faster" is said only where nothing but the transport differed.
struct ComparisonVerdict {
    private let pair: TransportPair
    private let isBidirectional: Bool
    /// The figures of both, as far as there are any.
    private let figures: [TransportFigures]

    init(_ pair: TransportPair, _ report: ComparisonReport) {
        self.pair = pair
        isBidirectional = report.parameters.isBidirectional
        figures = report.figures.filter { $0.direction == pair.direction }
    }

    /// One sentence or two.
    var sentence: String { (isBidirectional ? "\(pair.direction.rawValue): " : "") + statement + difference + limit }

    private var one: String { pair.transport.displayName }
    private var other: String { pair.other.displayName }

    private var statement: String {
        guard let ratio = pair.ratio else { return "\(one) and \(other) have no round in common." }
        guard let interval = pair.interval else {
            return
                "\(one) carried \(Self.ratio(ratio)) of \(other) in the only round: that says nothing about the next."
        }
        let bounds = "\(Self.ratio(interval.lower))–\(Self.ratio(interval.upper))"
        switch pair.verdict {
        case .more, .less:
            let figure = "\(one) carries \(Self.ratio(ratio)) of \(other) (\(bounds))"
            guard pair.differences.isEmpty else { return figure + "." }
            return figure + ": \(pair.verdict == .more ? one : other) is faster."
        case .alike: return "\(one) and \(other) carry the same: \(Self.ratio(ratio)) (\(bounds))."
        case .undecided, .unknown:
            return "\(one) and \(other): no significant difference, \(Self.ratio(ratio)) (\(bounds))."
        }
    }

    /// ` QUIC was limited by CPU at the sender (the client).` Of the one that carries less.
    private var limit: String {
        let slower: TransportKind? =
            switch pair.verdict {
            case .less: pair.transport
            case .more: pair.other
            case .alike, .undecided, .unknown: nil
            }
        guard let slower, let limit = figures.first(where: { $0.transport == slower })?.limit, limit != .idle else {
            return ""
        }
        let sender: Role = pair.direction == .upload ? .client : .server
        return " \(slower.displayName) was limited by \(LimitSentence.name(limit, sender))."
    }

    /// ` Not like for like: cubic against bbr.`
    private var difference: String {
        guard !pair.differences.isEmpty else { return "" }
        return " Not like for like: " + pair.differences.map(Self.words).joined(separator: "; ") + "."
    }

    private static func words(_ difference: ComparabilityDifference) -> String {
        let value = PrintableText.clean(difference.value, limit: 40)
        let other = PrintableText.clean(difference.other, limit: 40)
        switch difference.field {
        case .congestionController, .cipher: return "\(value) against \(other)"
        case .aead: return "encryption by \(value) against \(other)"
        case .packetSize: return "packets of \(value) against \(other) bytes"
        case .connections: return "connections, \(value) against \(other)"
        case .zeroCopy: return "sending without a copy, \(value) against \(other)"
        case .skipsReceiveCopy: return "payload thrown away by the receiver, \(value) against \(other)"
        case .typeOfService: return "TOS byte \(value) against \(other)"
        case .reliability: return "\(value) against \(other)"
        }
    }

    /// Three significant digits, two decimals at least where it is near 1.
    static func ratio(_ value: Double) -> String {
        guard value.isFinite else { return Figure.absent }
        return fixedPoint(value, decimals: value < 0.1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0)
    }
}
