/// How transports that ran at the same time shared a path, in one direction.
public struct PathSharing: Sendable, Hashable {
    public var direction: Direction
    /// Rounds in which all of them carried something.
    public var rounds: Int
    /// What each got of all that was carried, 0...1, in the order of the parameters: the mean of the rounds, so that
    /// they add up to 1.
    public var shares: [Share]
    /// Jain's fairness index of the transports, the middle one of the rounds': 1 when all got the same, 1/n when one of n got
    /// everything.
    public var fairnessIndex: Double

    public struct Share: Sendable, Hashable {
        public var transport: TransportKind
        public var share: Double

        public init(_ transport: TransportKind, _ share: Double) {
            self.transport = transport
            self.share = share
        }
    }

    public init(_ direction: Direction, rounds: Int, shares: [Share], fairnessIndex: Double) {
        self.direction = direction
        self.rounds = rounds
        self.shares = shares
        self.fairnessIndex = fairnessIndex
    }

    /// Jain's index of what each got: (Σx)² / (n·Σx²); nil for fewer than two, or where nobody got anything.
    public static func fairnessIndex(_ amounts: [Double]) -> Double? {
        let squares = amounts.reduce(0) { $0 + $1 * $1 }
        guard amounts.count > 1, squares > 0 else { return nil }
        let sum = amounts.reduce(0, +)
        return min(1, sum * sum / (Double(amounts.count) * squares))  // rounding must not make it fairer than fair
    }
}
