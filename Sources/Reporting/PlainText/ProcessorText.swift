import QrateMeasurement

/// What the payload cost at each end: `CPU per GB: here 0.91 s, there 1.1 s`.
struct ProcessorText {
    private let report: TestReport

    init(_ report: TestReport) { self.report = report }

    /// Of less payload, the beginning and the end of a test cost more than its payload.
    private static let leastPayload: ByteCount = 10_000_000

    /// Empty when there is nothing to say.
    var lines: [String] {
        guard let payload = report.receivedInAll, payload >= Self.leastPayload else { return [] }
        let here = report.client.cpu?.perGigabyte(of: payload)
        let there = report.server?.cpu?.perGigabyte(of: payload)
        guard here != nil || there != nil else { return [] }
        return ["CPU per GB: here \(Figure.cost(here)), there \(Figure.cost(there))"]
    }
}
