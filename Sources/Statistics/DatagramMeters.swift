internal import Histogram
package import QrateMeasurement

/// The flows of one receiver, as rows and as a whole: what ``ReceiveMeter`` is for bytes.
///
/// A row's report is the growth since the row before, so that a datagram which comes late can make a row's loss negative.
/// The totals hold everything since the warm-up, also what came after the window had closed: a share of loss doesn't
/// depend on where a window ends.
///
/// Owned by one thread, or kept under one lock. No clock, no allocation between rows.
package struct DatagramMeters: Sendable {
    private var flows: [DatagramMeter]
    /// The kernel's drops per flow: its last counter value, and the sum of the differences.
    private var dropCounters: [UInt32?]
    private var drops: UInt64?
    private var atRowStart = Counts()
    private var atWindowStart = Counts()
    private var maxJitterOfRows: Duration?
    /// Microseconds beyond the fastest datagram of the same flow so far.
    private var rowDelays = Self.makeHistogram()
    private var windowDelays = Self.makeHistogram()

    /// Delay variation in microseconds up to a minute, to three digits. What exceeds that counts as a minute.
    private static let longestDelay: UInt64 = 60_000_000

    private static func makeHistogram() -> Histogram<UInt64> {
        Histogram(highestTrackableValue: longestDelay, numberOfSignificantValueDigits: .three)
    }

    private struct Counts {
        var received: UInt64 = 0
        var lost: Int64 = 0
        var duplicates: UInt64 = 0
        var reordered: UInt64 = 0
        var drops: UInt64 = 0
    }

    package init(flows: Int) {
        self.flows = Array(repeating: DatagramMeter(), count: flows)
        dropCounters = Array(repeating: nil, count: flows)
    }

    // MARK: Counting

    /// Counts a datagram of a flow, 0 for the first.
    ///
    /// - Parameter timestamp: Microseconds on the sender's clock.
    /// - Returns: Whether it is new: only then its payload counts.
    package mutating func record(
        flow: Int, sequence: UInt64, timestamp: UInt64, at now: MonotonicTime
    ) -> Bool {
        guard flows.indices.contains(flow) else { return false }
        let outcome = flows[flow].record(sequence: sequence, timestamp: timestamp, at: now)
        guard case .received(let variation) = outcome else { return false }
        rowDelays.record(min(variation / 1000, Self.longestDelay))
        return true
    }

    /// The flow's sender says that it sent so many in all.
    package mutating func announce(flow: Int, sent: UInt64) {
        guard flows.indices.contains(flow) else { return }
        flows[flow].announce(sent: sent)
    }

    /// What the kernel says that it has dropped at the flow's socket since that was opened, as a counter that wraps around
    /// (SO_RXQ_OVFL, SO_MEMINFO). The first reading counts from 0.
    package mutating func noteReceiveBufferDrops(flow: Int, counter: UInt32) {
        guard dropCounters.indices.contains(flow) else { return }
        drops = (drops ?? 0) + UInt64(counter &- (dropCounters[flow] ?? 0))
        dropCounters[flow] = counter
    }

    /// Whether the flow's sender has told how many it sent, and all of them came.
    package func isWhole(flow: Int) -> Bool { flows.indices.contains(flow) && flows[flow].isWhole }

    /// What a flow's receiver may tell its sender while it still receives.
    package func progress(flow: Int) -> (received: UInt64, lost: UInt64) {
        guard flows.indices.contains(flow) else { return (0, 0) }
        return (flows[flow].received, UInt64(clamping: flows[flow].lost))
    }

    // MARK: Reporting

    /// The row that ends now, and the beginning of the next.
    ///
    /// - Parameter isWarmUp: Whether it is left out of the totals.
    package mutating func endRow(isWarmUp: Bool) -> DatagramReport {
        let now = counts
        let report = report(now, since: atRowStart, rowDelays, maxJitter: maxJitterOfFlows)
        atRowStart = now
        if isWarmUp {
            atWindowStart = now
        } else {
            maxJitterOfRows = Self.larger(maxJitterOfRows, maxJitterOfFlows)
            windowDelays.add(rowDelays)
        }
        rowDelays.reset()
        for flow in flows.indices { flows[flow].restartMaximum() }
        return report
    }

    /// Everything since the warm-up's last row.
    package func totals() -> DatagramReport {
        var delays = windowDelays
        delays.add(rowDelays)
        return report(
            counts, since: atWindowStart, delays, maxJitter: Self.larger(maxJitterOfRows, maxJitterOfFlows))
    }

    // MARK: -

    private var counts: Counts {
        var sum = Counts()
        for flow in flows {
            sum.received &+= flow.received
            sum.lost = sum.lost.addingReportingOverflow(flow.lost).overflow ? .max : sum.lost + flow.lost
            sum.duplicates &+= flow.duplicates
            sum.reordered &+= flow.reordered
        }
        sum.drops = drops ?? 0
        return sum
    }

    private func report(
        _ now: Counts, since before: Counts, _ delays: Histogram<UInt64>, maxJitter: Duration?
    ) -> DatagramReport {
        var report = DatagramReport(
            received: now.received &- before.received, lost: now.lost - before.lost,
            duplicates: now.duplicates &- before.duplicates, reordered: now.reordered &- before.reordered)
        let jitters = flows.compactMap(\.jitter)
        if !jitters.isEmpty { report.jitter = jitters.reduce(.zero, +) / jitters.count }
        report.maxJitter = maxJitter
        report.delayVariation = variation(delays)
        if drops != nil { report.receiveBufferDrops = now.drops - before.drops }
        return report
    }

    /// nil for fewer than two datagrams: the first is the fastest so far, whatever it took.
    private func variation(_ delays: Histogram<UInt64>) -> DelayVariation? {
        guard delays.totalCount > 1 else { return nil }
        func value(_ percentile: Double) -> Duration {
            .microseconds(Int64(clamping: delays.valueAtPercentile(percentile)))
        }
        return DelayVariation(
            median: value(50), percentile95: value(95), percentile99: value(99),
            maximum: .microseconds(Int64(clamping: delays.maxRecorded)))
    }

    private var maxJitterOfFlows: Duration? { flows.reduce(nil) { Self.larger($0, $1.maxJitter) } }

    private static func larger(_ one: Duration?, _ other: Duration?) -> Duration? {
        guard let one else { return other }
        return other.map { max(one, $0) } ?? one
    }
}
