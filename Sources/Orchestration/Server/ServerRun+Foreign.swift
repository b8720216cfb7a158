import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// What the previous `interval` to a client that isn't qrate had said, since the test began.
struct ForeignReport: Sendable {
    var received: [ByteCount] = []
    var sent: [ByteCount] = []
    var at = Duration.zero
    var retransmits: UInt64 = 0
    var lost: UInt64 = 0
}

/// xfr's periodic message: what its own server would say, one second after the other, from the acknowledgement on.
extension ServerRun {
    mutating func foreignInterval(_ sample: PlaneSample, now: MonotonicTime) -> ControlMessage {
        let elapsed = clock.elapsed(now)
        let length = elapsed - told.at
        let upload = (receiving?.counted ?? []).growth(since: told.received)
        let download = (sending == nil ? [] : sample.sent ?? []).growth(since: told.sent)
        let streams = everyStream(upload.sum(with: download))
        var message = IntervalMessage(
            id: test.id, elapsedMilliseconds: wholeMilliseconds(elapsed), streams: progress(streams),
            aggregate: aggregate(streams.reduce(.zero, +), over: length))
        if sending != nil, receiving != nil {
            let toServer = upload.reduce(.zero, +), toClient = download.reduce(.zero, +)
            message.aggregate.bytesSent = toServer.bytes
            message.aggregate.bytesReceived = toClient.bytes
            message.aggregate.sendThroughputMbps = toServer.megabitsPerSecond(over: length)
            message.aggregate.receiveThroughputMbps = toClient.megabitsPerSecond(over: length)
        }
        addTransport(sample, to: &message)
        addDatagrams(to: &message)
        told.received = receiving?.counted ?? []
        told.sent = sending == nil ? [] : sample.sent ?? []
        told.at = elapsed
        return .interval(message)
    }

    /// Whether the test's time is over, for a client that counts it from the acknowledgement.
    func isOver(_ now: MonotonicTime) -> Bool {
        guard let duration = plan.limit.duration else { return false }
        return clock.elapsed(now) + Tunables.tickSlack >= duration
    }

    /// How long the streams of such a client may last beyond that.
    var foreignDrain: Duration {
        plan.parameters.transport.marksStreamEnds ? Tunables.foreignDrain : Tunables.datagramDrain
    }

    /// Segments sent again since the test began: TCP's kernel knows, and there are none at an end that only receives, or on
    /// the other transports. Of several streams together they aren't each one's; nil then.
    func retransmits(streams: Int) -> UInt64? {
        guard plan.parameters.transport.isKernelStream, sending != nil else { return 0 }
        guard streams == 1, case .tcp(let metrics)? = lastSample.path?.metrics else { return nil }
        return metrics.retransmissions
    }

    private func everyStream(_ counts: [ByteCount]) -> [ByteCount] {
        counts + Array(repeating: .zero, count: max(0, plan.streams - counts.count))
    }

    private mutating func addTransport(_ sample: PlaneSample, to message: inout IntervalMessage) {
        if !plan.parameters.transport.isKernelStream || sending == nil {
            message.aggregate.retransmits = 0
            for index in message.streams.indices { message.streams[index].retransmits = 0 }
        }
        guard case .tcp(let metrics)? = sample.path?.metrics else { return }
        let info = ResultMessage.TCPInfo(.tcp(metrics), isSender: true)
        message.aggregate.rttMicroseconds = info?.rttMicroseconds
        message.aggregate.congestionWindow = info?.congestionWindow
        if let total = metrics.retransmissions {
            message.aggregate.retransmits = total - min(total, told.retransmits)
            told.retransmits = total
        }
        guard message.streams.count == 1 else { return }
        message.streams[0].retransmits = message.aggregate.retransmits
        message.streams[0].rttMicroseconds = info?.rttMicroseconds
        message.streams[0].congestionWindow = info?.congestionWindow
    }

    private mutating func addDatagrams(to message: inout IntervalMessage) {
        guard let datagrams = receiving?.datagrams else { return }
        let lost = UInt64(clamping: datagrams.lost) - min(UInt64(clamping: datagrams.lost), told.lost)
        let jitter = datagrams.jitter?.milliseconds
        message.aggregate.udpProgress = IntervalMessage.UDPProgress(
            packetsReceived: datagrams.received, packetsLost: UInt64(clamping: datagrams.lost))
        if let jitter, jitter > 0 { message.aggregate.jitterMilliseconds = jitter }
        if lost > 0 { message.aggregate.lost = lost }
        if message.streams.count == 1 {
            message.streams[0].jitterMilliseconds = message.aggregate.jitterMilliseconds
            message.streams[0].lost = message.aggregate.lost
        }
        told.lost = max(told.lost, UInt64(clamping: datagrams.lost))
    }
}

extension ResultMessage.TCPInfo {
    /// nil unless the kernel told all that the message must have.
    ///
    /// - Parameter isSender: An end that only receives has sent nothing again, and no window to speak of. xfr's fields
    ///   can't be absent; its client puts its own in their place.
    init?(_ metrics: PathMetrics, isSender: Bool) {
        guard case .tcp(let metrics) = metrics, let rtt = metrics.smoothedRTT, let variation = metrics.rttVariation,
            let retransmissions = isSender ? metrics.retransmissions : 0,
            let segments = isSender ? Self.segments(metrics) : 0
        else { return nil }
        self.init(
            retransmits: retransmissions, rttMicroseconds: UInt32(clamping: rtt.nanoseconds / 1000),
            rttVariationMicroseconds: UInt32(clamping: variation.nanoseconds / 1000), congestionWindow: segments,
            bytesAcknowledged: metrics.bytesAcknowledged?.bytes)
    }

    private static func segments(_ metrics: TCPPathMetrics) -> UInt32? {
        guard let window = metrics.congestionWindow, let size = metrics.maxSegmentSize, size > .zero else { return nil }
        return UInt32(clamping: window.bytes / size.bytes)
    }
}

extension ResultMessage.UDPStatistics {
    /// - Parameter size: A datagram's payload, header included; nil is xfr's own.
    init(_ report: DatagramReport, size: ByteCount?) {
        let lost = UInt64(clamping: report.lost)
        let (sent, overflow) = report.received.addingReportingOverflow(lost)
        self.init(
            packetsSent: overflow ? .max : sent, packetsReceived: report.received, lost: lost,
            lostPercent: (report.lossRatio ?? 0) * 100, jitterMilliseconds: (report.jitter ?? .zero).milliseconds,
            outOfOrder: report.reordered, maxJitterMilliseconds: report.maxJitter?.milliseconds,
            packetSize: UInt32(clamping: size?.bytes ?? 1400))
    }
}

extension TransportKind {
    /// Whether the kernel sends again what was lost, and tells about it.
    var isKernelStream: Bool { self == .tcp || self == .tls }
}
