/// When a comparison has had enough rounds, and which transport runs when.
package struct RoundPlan: Sendable, Hashable {
    /// The most there may be.
    package let limit: Int
    /// How near the truth every interval shall come, as a share: 0.05 for 5 %.
    package let precision: Double

    package init(limit: Int, precision: Double) {
        self.limit = max(limit, PairedRatio.pilot)
        self.precision = precision
    }

    /// How many rounds it takes, once the pilot rounds are in; nil before. There will be ``limit`` at most.
    ///
    /// Every pair decides by its first rounds, and the one that needs most is served: what the means are doesn't enter.
    package func roundsNeeded(for pairs: [PairedRatio]) -> Int? {
        var most = PairedRatio.pilot
        for pair in pairs {
            guard let needed = pair.roundsNeeded(precision: precision) else { return nil }
            most = max(most, needed)
        }
        return most
    }

    /// How many rounds there will be, once the pilot rounds are in; nil before.
    package func rounds(for pairs: [PairedRatio]) -> Int? { roundsNeeded(for: pairs).map { min($0, limit) } }

    /// In which order `count` transports run in a round, from 0 on.
    ///
    /// Each rotation is followed by its mirror image, so that over 2 × `count` rounds everybody has been in every place
    /// equally often, and for up to three behind every other one equally often: who profits from running after whom, gets
    /// no more of it than the others.
    package static func order(of count: Int, round: Int) -> [Int] {
        guard count > 0 else { return [] }
        let rotation = (0..<count).map { ($0 + round / 2) % count }
        return round % 2 == 0 ? rotation : rotation.reversed()
    }
}
