package import QrateMeasurement
import QrateStatistics

/// Decides which test a comparison runs next and when it has had enough, and sums up what the tests said.
package struct ComparisonTally: Sendable {
    package private(set) var report: ComparisonReport
    private let plan: RoundPlan
    /// Transports that don't get through at all aren't asked again: each try would take the whole connect timeout.
    private var silent: Set<TransportKind> = []
    /// Those whose handshakes were asked for.
    private var shaken: Set<TransportKind> = []

    package init(_ report: ComparisonReport) {
        self.report = report
        plan = RoundPlan(limit: report.parameters.rounds, precision: report.parameters.precision)
    }

    // MARK: What runs next

    /// What to do next.
    package enum Step: Sendable, Hashable {
        case test(TransportKind, round: Int)
        /// Handshakes alone, a few of each kind.
        case handshakes(TransportKind)
        /// All of them at the same time.
        case together([TransportKind], round: Int)
        case end(ComparisonEnd)
    }

    /// - Parameter elapsed: Since the comparison began.
    package func next(elapsed: Duration) -> Step {
        if let round = report.rounds.last, let transport = missing(round) {
            return .test(transport, round: round.number)
        }
        if let round = report.rounds.last, report.parameters.runsTogether, round.together.isEmpty, active.count > 1 {
            return .together(active, round: round.number)
        }
        if let transport = active.first(where: { isToShake($0) }) { return .handshakes(transport) }
        let done = report.rounds.count
        if active.isEmpty { return .end(.failed) }
        if let needed = roundsNeeded, done >= min(needed, plan.limit) {
            return .end(needed <= plan.limit ? .precision : .rounds)
        }
        if done >= plan.limit { return .end(.rounds) }
        if let budget = report.parameters.budget, done > 0, elapsed + elapsed / done > budget { return .end(.budget) }
        let order = order(done)
        return order.first.map { .test($0, round: done + 1) } ?? .end(.failed)
    }

    /// Once, when a test has shown that the transport gets through.
    private func isToShake(_ transport: TransportKind) -> Bool {
        (transport == .quic || transport == .tls) && !shaken.contains(transport)
            && report.rounds.contains { $0.test(transport).map { $0.failure == nil } ?? false }
    }

    /// How many rounds there will be; nil until the first ones have told.
    package var plannedRounds: Int? { roundsNeeded.map { min($0, plan.limit) } }

    /// How many it takes to know every ratio as well as was asked for.
    private var roundsNeeded: Int? {
        guard !active.isEmpty else { return nil }
        let pairs = pairs.filter { active.contains($0.transport) && active.contains($0.other) }.map { ratio($0) }
        // With one that is left, or none to compare with, there is nothing to be precise about.
        return pairs.isEmpty ? PairedRatio.pilot : plan.roundsNeeded(for: pairs)
    }

    private var active: [TransportKind] { report.parameters.transports.filter { !silent.contains($0) } }

    private func order(_ round: Int) -> [TransportKind] {
        let all = report.parameters.transports
        return RoundPlan.order(of: all.count, round: round).map { all[$0] }.filter { !silent.contains($0) }
    }

    private func missing(_ round: ComparisonRound) -> TransportKind? {
        order(round.number - 1).first { round.test($0) == nil }
    }

    // MARK: What came of it

    /// Takes a test's result in. A failure that no other round could mend ends the comparison (``ComparisonReport/failure``).
    package mutating func add(_ test: TestReport, round number: Int) {
        if report.rounds.last?.number != number { report.rounds.append(ComparisonRound(number: number)) }
        report.rounds[report.rounds.count - 1].tests.append(test)
        let transport = test.parameters.transport
        if let failure = test.failure {
            switch failure.kind {
            case .usage, .badInput, .permission, .certificate, .interrupted: report.failure = failure
            case .unreachable, .protocolError: silent.insert(transport)
            case .failed, .refused:
                let last = report.rounds.suffix(2).compactMap { $0.test(transport) }
                if last.count == 2, last.allSatisfy({ $0.failure != nil }) { silent.insert(transport) }
            }
        }
        sum()
    }

    /// Takes handshakes in. Where they failed, the transport has no figures of them, and goes on.
    package mutating func add(_ handshakes: HandshakeTestReport) {
        let transport = handshakes.parameters.transport
        shaken.insert(transport)
        let phases = handshakes.phases.filter { $0.completed > 0 }
        if !phases.isEmpty { report.handshakes.append(TransportHandshakes(transport, phases: phases)) }
    }

    /// Takes in what came of all at the same time.
    package mutating func add(together tests: [TestReport], round number: Int) {
        guard let last = report.rounds.indices.last, report.rounds[last].number == number else { return }
        report.rounds[last].together = tests
        sum()
    }

    /// The user ended it: what is complete still counts.
    package mutating func interrupt() {
        report.failure = TestFailure(.interrupted, "The comparison was interrupted.")
        finish(.interrupted)
    }

    /// Something that no test could be made with.
    package mutating func fail(_ failure: TestFailure) {
        report.failure = failure
        finish(.failed)
    }

    /// Ends the comparison.
    package mutating func finish(_ end: ComparisonEnd) {
        report.end = end
        sum()
        if report.failure == nil, end == .failed {
            let first = report.rounds.lazy.flatMap(\.tests).compactMap(\.failure).first
            report.failure = first ?? TestFailure(.failed, "No test of the comparison came to its end.")
        }
    }

    private mutating func sum() {
        report.figures = report.parameters.transports.flatMap { transport in
            directions.map { report.figures(transport, $0) }
        }
        report.pairs = pairs.map { judge($0) }
        report.sharing = directions.compactMap { sharing($0) }
        var codes: Set<String> = []
        let warnings = report.doubts + report.rounds.flatMap { $0.tests + $0.together }.flatMap(\.warnings)
        report.warnings = warnings.filter { codes.insert($0.code).inserted }
    }

    private var directions: [Direction] {
        report.parameters.test.direction == .bidirectional ? [.upload, .download] : [report.parameters.test.direction]
    }

    // MARK: Together

    /// nil as long as no round had all of them at the same time.
    private func sharing(_ direction: Direction) -> PathSharing? {
        let rounds = report.rounds.compactMap { rates($0, direction) }
        let indices = rounds.compactMap { PathSharing.fairnessIndex($0) }.sorted()
        guard let index = indices.middle else { return nil }
        let shares = report.parameters.transports.indices.map { place in
            let sum = rounds.reduce(0) { $0 + $1[place] / $1.reduce(0, +) }
            return PathSharing.Share(report.parameters.transports[place], sum / Double(rounds.count))
        }
        return PathSharing(direction, rounds: rounds.count, shares: shares, fairnessIndex: index)
    }

    /// What each transport carried beside the others; nil where one of them carried nothing.
    private func rates(_ round: ComparisonRound, _ direction: Direction) -> [Double]? {
        let rates = report.parameters.transports.compactMap { transport -> Double? in
            guard let test = round.together.first(where: { $0.parameters.transport == transport }), test.failure == nil,
                let rate = test.summary(direction)?.throughput, rate.bitsPerSecond > 0
            else { return nil }
            return Double(rate.bitsPerSecond)
        }
        return rates.count == report.parameters.transports.count ? rates : nil
    }

    // MARK: Pairs

    private var pairs: [TransportPair] {
        let all = report.parameters.transports
        return directions.flatMap { direction in
            all.indices.flatMap { first in
                all.indices.dropFirst(first + 1).map { TransportPair(all[first], all[$0], direction) }
            }
        }
    }

    private func ratio(_ pair: TransportPair) -> PairedRatio {
        report.rounds.reduce(into: PairedRatio()) { ratio, round in
            guard let one = round.throughput(pair.transport, pair.direction),
                let two = round.throughput(pair.other, pair.direction)
            else { return }
            ratio.add(Double(one.bitsPerSecond), to: Double(two.bitsPerSecond))
        }
    }

    private func judge(_ pair: TransportPair) -> TransportPair {
        var pair = pair
        let ratio = ratio(pair)
        pair.rounds = ratio.count
        pair.ratio = ratio.estimate
        pair.interval = ratio.interval
        var fields: Set<ComparabilityDifference.Field> = []
        for round in report.rounds {
            guard let one = round.test(pair.transport), let two = round.test(pair.other), one.failure == nil,
                two.failure == nil
            else { continue }
            pair.differences += Comparability.differences(one, two, pair.direction).filter {
                fields.insert($0.field).inserted
            }
        }
        pair.verdict = verdict(pair.interval)
        return pair
    }

    private func verdict(_ interval: RatioInterval?) -> TransportPair.Verdict {
        guard let interval else { return .unknown }
        let precision = 1 + report.parameters.precision
        if interval.lower >= 1 / precision, interval.upper <= precision { return .alike }
        if interval.containsOne { return .undecided }
        return interval.lower > 1 ? .more : .less
    }
}
