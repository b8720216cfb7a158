import QrateControlProtocol
import QrateMeasurement

/// Rows of an upload, made of the messages of a server that isn't qrate: growth since the message before, without bounds.
struct ForeignRows: Sendable {
    private var start = Duration.zero
    /// What came in a message too close to the one before for a row of its own: xfr sends its first one at once.
    private var carried = ByteCount.zero
    private var datagrams = IntervalMessage.UDPProgress(packetsReceived: 0, packetsLost: 0)

    private static let shortestRow = TestParameters.shortestInterval

    /// - Returns: nil for a message that tells nothing about the upload.
    mutating func next(_ interval: IntervalMessage, _ parameters: TestParameters) -> IntervalReport? {
        guard let end = Duration(checkedMilliseconds: Double(interval.elapsedMilliseconds)), end > start else {
            return nil
        }
        // In both directions at once, the streams' bytes are the sum of both.
        let isAlone = parameters.direction == .upload
        guard let bytes = isAlone ? interval.aggregate.bytes : interval.aggregate.bytesSent else { return nil }
        guard end - start >= Self.shortestRow else {
            carried += ByteCount(bytes)
            return nil
        }
        defer {
            start = end
            carried = .zero
        }
        let streams = interval.streams.sorted { $0.id < $1.id }.map { ByteCount($0.bytes) }
        return IntervalReport(
            .upload, start: start, end: end, isWarmUp: false, bytesReceived: carried + ByteCount(bytes),
            streams: isAlone && carried == .zero && streams.count == parameters.streams ? streams : [],
            datagrams: growth(interval.aggregate))
    }

    private mutating func growth(_ aggregate: IntervalMessage.Aggregate) -> DatagramReport? {
        guard let now = aggregate.udpProgress else { return nil }
        defer { datagrams = now }
        var report = DatagramReport(
            received: now.packetsReceived - min(now.packetsReceived, datagrams.packetsReceived),
            lost: Int64(clamping: now.packetsLost) - Int64(clamping: datagrams.packetsLost))
        report.jitter = aggregate.jitterMilliseconds.flatMap { Duration(checkedMilliseconds: $0) }
        return report
    }
}

extension DatagramReport {
    /// xfr's own way of counting: what came late is lost and out of order, and so is a duplicate out of order.
    init(_ statistics: ResultMessage.UDPStatistics) {
        self.init(
            received: statistics.packetsReceived, lost: Int64(clamping: statistics.lost),
            reordered: statistics.outOfOrder)
        jitter = Duration(checkedMilliseconds: statistics.jitterMilliseconds)
        maxJitter = statistics.maxJitterMilliseconds.flatMap { Duration(checkedMilliseconds: $0) }
    }
}
