import QrateMeasurement

/// What came of it, in words.
struct VerdictSection {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var section: PageSection {
        PageSection(
            id: "verdict", title: "Verdict",
            content: verdicts.map { .element("p", ["class": "verdict"], $0) }
                + remarks.map { .element("p", [:], $0) } + [.element("p", ["class": "soft"], extent)])
    }

    /// Of every pair that has a round in common.
    private var verdicts: [String] {
        let known = report.pairs.filter { $0.ratio != nil }.map {
            ComparisonVerdict($0, report).sentence
        }
        return known.isEmpty ? ["There is nothing to compare."] : known
    }

    private var remarks: [String] {
        var remarks = ComparisonText(report.parameters).remarks(report)
        // That of a transport is among them already.
        if let failure = report.failure, failure.kind != .interrupted,
            !report.figures.contains(where: { $0.failures.contains(failure) })
        {
            remarks.append(PrintableText.clean(failure.message, limit: 500))
        }
        return remarks.map { $0.prefix(1).uppercased() + $0.dropFirst() }
    }

    private var extent: String {
        let rounds = report.rounds.count
        let plan = ComparisonText(report.parameters).plan
        return "\(rounds == 1 ? "1 round" : "\(rounds) rounds") of \(plan)."
    }
}

/// What a reader of the figures should know before believing them.
struct WarningsSection {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    var section: PageSection? {
        let warnings = ComparisonText(report.parameters).caveats(report)
        guard !warnings.isEmpty else { return nil }
        let items = warnings.map { warning in
            Markup.element(
                "li", [:],
                [
                    .element("code", [:], PrintableText.clean(warning.code, limit: 40)),
                    .text(" " + PrintableText.clean(warning.message, limit: 500) + places(warning.code)),
                ])
        }
        return PageSection(id: "warnings", title: "Warnings", content: [.element("ul", [:], items)])
    }

    /// ` (QUIC: 3 of 5 tests)`, where not all tests had it.
    private func places(_ code: String) -> String {
        let tests = report.rounds.flatMap(\.tests)
        let places = report.parameters.transports.compactMap { transport -> String? in
            let all = tests.filter { $0.parameters.transport == transport }
            let count = all.count { $0.warnings.contains { $0.code == code } }
            return count == 0 ? nil : "\(transport.displayName): \(count) of \(all.count) tests"
        }
        let count = tests.count { $0.warnings.contains { $0.code == code } }
        return count == 0 || count == tests.count ? "" : " (\(places.joined(separator: ", ")))"
    }
}
