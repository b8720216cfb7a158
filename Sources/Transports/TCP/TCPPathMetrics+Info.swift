import QrateMeasurement
import QrateSockets

extension TCPPathMetrics {
    /// Puts together what the kernel says of a test's connections: times are their mean, sizes, rates and counts their
    /// sum. A figure that one of them doesn't have is left out.
    init(_ streams: [DataStream.Snapshot], countsSent: Bool) {
        self.init()
        let infos = streams.compactMap(\.info)
        guard !infos.isEmpty, infos.count == streams.count else { return }
        smoothedRTT = Self.mean(infos.map(\.smoothedRTT))
        rttVariation = Self.mean(infos.map(\.rttVariation))
        minRTT = Self.mean(infos.map(\.minRTT))
        maxSegmentSize = infos.first?.segmentSize.map { ByteCount($0) }
        guard countsSent else { return }
        congestionWindow = Self.sum(
            infos.map { info in
                guard let segments = info.congestionWindowSegments, let size = info.segmentSize else { return nil }
                return segments.multipliedReportingOverflow(by: size).partialValue
            }
        ).map { ByteCount($0) }
        retransmissions = Self.sum(infos.map(\.retransmissions))
        deliveryRate = Self.sum(infos.map(\.deliveryRate)).map { Self.bitrate($0) }
        pacingRate = Self.sum(infos.map(\.pacingRate)).map { Self.bitrate($0) }
        busyTime = Self.mean(infos.map(\.busyTime))
        receiveWindowLimitedTime = Self.mean(infos.map(\.receiveWindowLimitedTime))
        sendBufferLimitedTime = Self.mean(infos.map(\.sendBufferLimitedTime))
        bytesAcknowledged = Self.sum(streams.map(\.acknowledged)).map { ByteCount($0) }
    }

    private static func mean(_ times: [Duration?]) -> Duration? {
        let known = times.compactMap(\.self)
        guard !known.isEmpty, known.count == times.count else { return nil }
        return known.reduce(.zero, +) / known.count
    }

    private static func sum(_ counts: [UInt64?]) -> UInt64? {
        let known = counts.compactMap(\.self)
        guard !known.isEmpty, known.count == counts.count else { return nil }
        return known.reduce(ByteCount.zero) { $0 + ByteCount($1) }.bytes
    }

    private static func bitrate(_ bytesPerSecond: UInt64) -> Bitrate {
        let (bits, overflow) = bytesPerSecond.multipliedReportingOverflow(by: 8)
        return Bitrate(bitsPerSecond: overflow ? .max : bits)
    }
}
