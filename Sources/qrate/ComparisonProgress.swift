import QrateKit

/// How far a comparison is, for the progress line.
struct ComparisonProgress {
    private let parameters: ComparisonParameters
    private let createdAt = ContinuousClock.now
    private var testBeganAt = ContinuousClock.now
    private var hasBegun = false
    /// nil while all of them run.
    private var transport: TransportKind?
    private var round = 1
    private var planned: Int?
    private var testsDone = 0
    private var rate: Bitrate?

    init(_ parameters: ComparisonParameters) { self.parameters = parameters }

    mutating func take(_ event: ComparisonClient.Event) {
        switch event {
        case .testBegan(let transport, let round, let planned):
            hasBegun = true
            self.transport = transport
            self.round = round
            self.planned = planned
            testBeganAt = .now
            rate = nil
        case .handshakesBegan(let transport): self.transport = transport
        case .togetherBegan(let round, let planned):
            transport = nil
            self.round = round
            self.planned = planned
            testBeganAt = .now
            rate = nil
        case .interval(_, let row): rate = transport.flatMap { _ in Bitrate(row.bytesReceived, over: row.length) }
        case .testEnded: testsDone += 1
        }
    }

    /// `  round 3 of 5 to 15, TLS, 1.2 s, 935 Mbit/s, about 40 s left`.
    func line(at now: ContinuousClock.Instant) -> String {
        guard hasBegun else { return "  connecting" }
        let most = parameters.rounds
        let rounds = planned.map { "\($0)" } ?? (most > fewest ? "\(fewest) to \(most)" : "\(fewest)")
        let parts = [
            "round \(round) of \(rounds)", transport?.displayName ?? "all together",
            fixedPoint((now - testBeganAt).seconds, decimals: 1) + " s", rate.map { "\($0)" }, left(at: now),
        ]
        return "  " + parts.compactMap(\.self).joined(separator: ", ")
    }

    private var fewest: Int { ComparisonParameters.fewestRounds }

    /// By what the tests took until now. Before the first ones have told how many there will be, the least that is left.
    private func left(at now: ContinuousClock.Instant) -> String? {
        guard testsDone > 0 else { return nil }
        let each = (testBeganAt - createdAt).seconds / Double(testsDone)
        let tests = (planned ?? fewest) * (parameters.transports.count + (parameters.runsTogether ? 1 : 0)) - testsDone
        let seconds = max(0, Double(tests) * each - (now - testBeganAt).seconds)
        let text = seconds < 90 ? "\(Int(seconds.rounded(.up))) s" : "\(Int((seconds / 60).rounded(.up))) min"
        return (planned == nil ? "at least " : "about ") + text + " left"
    }
}
