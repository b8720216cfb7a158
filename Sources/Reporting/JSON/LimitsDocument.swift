import QrateMeasurement

/// What a sender's time went to; for a whole test, also what limited it.
struct LimitsDocument: Encodable {
    var coveredMilliseconds: Double
    var shares: [LimitCause: Double]
    var limitedBy: String?
    var sentence: String?
    var setting: Setting?

    struct Setting: Encodable {
        var name: String
        var value: String
        var end: String?

        enum CodingKeys: String, CodingKey {
            case name, value
            case end = "at"
        }
    }

    private enum Key: String, CodingKey {
        case coveredMilliseconds = "covered_ms"
        case shares
        case limitedBy = "limited_by"
        case sentence, setting
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// nil when no time is covered.
    init?(_ limits: LimitShares) {
        guard let shares = Self.ratios(limits) else { return nil }
        coveredMilliseconds = limits.covered.jsonMilliseconds
        self.shares = shares
    }

    /// For a direction's whole test.
    init?(_ report: TestReport, _ direction: Direction) {
        guard let limits = report.path(direction)?.limits else { return nil }
        self.init(limits)
        guard let verdict = report.limitVerdict(direction) else { return }
        limitedBy = verdict.limit.rawValue
        sentence = LimitSentence.of(verdict, report, direction)
        setting = verdict.setting.map { Setting(name: $0.name, value: $0.value, end: $0.end?.rawValue) }
    }

    /// In units of a ten-thousandth, so rounded that they add up to 1.
    static func ratios(_ limits: LimitShares) -> [LimitCause: Double]? {
        let exact = LimitCause.allCases.compactMap { cause in limits.share(of: cause).map { (cause, $0 * 10_000) } }
        guard !exact.isEmpty else { return nil }
        var units = exact.map { Int($0.1.rounded(.down)) }
        let byRemainder = exact.indices.sorted { exact[$0].1 - Double(units[$0]) > exact[$1].1 - Double(units[$1]) }
        for index in byRemainder.prefix(max(0, 10_000 - units.reduce(0, +))) { units[index] += 1 }
        return zip(exact, units).reduce(into: [:]) { $0[$1.0.0] = Double($1.1) / 10_000 }
    }

    func encode(to encoder: any Encoder) throws {
        var keyed = encoder.container(keyedBy: Key.self)
        try keyed.encode(coveredMilliseconds, forKey: .coveredMilliseconds)
        var parts = keyed.nestedContainer(keyedBy: Name.self, forKey: .shares)
        for cause in LimitCause.allCases {
            try parts.encodeIfPresent(shares[cause], forKey: Name(stringValue: cause.rawValue))
        }
        try keyed.encodeIfPresent(limitedBy, forKey: .limitedBy)
        try keyed.encodeIfPresent(sentence, forKey: .sentence)
        try keyed.encodeIfPresent(setting, forKey: .setting)
    }
}
