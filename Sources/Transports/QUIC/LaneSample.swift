import QrateMeasurement
import QrateQUICDriver

/// What one connection of a plane says of itself at one moment.
struct LaneSample: Sendable {
    let takenAt: MonotonicTime
    /// Payload handed to the stack, per stream; nil before it sends.
    let sent: [UInt64]?
    let metrics: QUICPathMetrics
    let ecnValidated: Bool?
    /// Who seals and opens its packets.
    let aead: String?
    /// Payload per datagram, where it is sent in datagrams.
    let datagramUnit: Int?
    let usesSegmentation: Bool
    let coalescesReceives: Bool
    let sendBuffer: Int
    let receiveBuffer: Int
    let socket: LaneSocket.Sample
    /// Its place among the connections of the thread, in the order in which they began.
    let number: ConnectionNumber
    let isOwn: Bool
    /// Which endpoint's thread it is on: for telling them apart, no more.
    let thread: ObjectIdentifier
    /// Of that thread, so far.
    let cpu: ThreadUsage?
    /// nil before it sends.
    let limits: LimitShares?
}

extension [LaneSample] {
    /// The path as all of them see it: counts and windows add up, round trips are the mean, and the smallest the smallest.
    func pathMetrics() -> QUICPathMetrics {
        let each = map(\.metrics)
        guard each.count > 1 else { return each.first ?? QUICPathMetrics() }
        var all = QUICPathMetrics()
        all.smoothedRTT = each.mean(\.smoothedRTT)
        all.latestRTT = each.mean(\.latestRTT)
        all.rttVariation = each.mean(\.rttVariation)
        all.minRTT = each.compactMap(\.minRTT).min()
        all.congestionWindow = each.sum(\.congestionWindow)
        all.bytesInFlight = each.sum(\.bytesInFlight)
        all.slowStartThreshold = each.sum(\.slowStartThreshold)
        all.streamPacketsLost = each.sum(\.streamPacketsLost)
        all.datagramsSent = each.sum(\.datagramsSent)
        all.datagramsReceived = each.sum(\.datagramsReceived)
        all.sendCalls = each.sum(\.sendCalls)
        all.sendDrops = each.sum(\.sendDrops)
        all.maxUDPPayload = each.compactMap(\.maxUDPPayload).min()
        all.connectionCredit = each.sum(\.connectionCredit)
        all.streamCredit = each.compactMap(\.streamCredit).min()
        let packets = each.compactMap(\.packets)
        all.packets = packets.count == each.count ? .sum(packets) : nil
        return all
    }

    /// The settings in effect, as far as the connections and their sockets know them.
    func settings() -> EffectiveSettings {
        var result = EffectiveSettings()
        guard let first else { return result }
        result.maxUDPPayload = pathMetrics().maxUDPPayload
        result.segmentationOffload = allSatisfy(\.usesSegmentation)
        result.receiveOffload = allSatisfy(\.coalescesReceives)
        result.sendBuffer = ByteCount(UInt64(first.sendBuffer))
        result.receiveBuffer = ByteCount(UInt64(first.receiveBuffer))
        result.socketBufferAsked = ByteCount(UInt64(first.socket.askedBuffer))
        result.offloadFallbacks = OffloadFallback.allCases.filter { fallback in
            contains { $0.socket.fallbacks.contains(fallback) }
        }
        let marks = map(\.ecnValidated)
        result.explicitCongestionNotification = marks.contains(false) ? false : marks.contains(nil) ? nil : true
        result.aead = first.aead
        result.payloadUnit = compactMap(\.datagramUnit).min().map { ByteCount(UInt64($0)) }
        result.endpointThreads = Set(map(\.thread)).count
        return result
    }
}

extension QUICPathMetrics {
    /// Without what the connection had counted before a test.
    func since(_ baseline: QUICPathMetrics) -> QUICPathMetrics {
        var metrics = self
        metrics.datagramsSent = datagramsSent.since(baseline.datagramsSent)
        metrics.datagramsReceived = datagramsReceived.since(baseline.datagramsReceived)
        metrics.sendCalls = sendCalls.since(baseline.sendCalls)
        metrics.sendDrops = sendDrops.since(baseline.sendDrops)
        metrics.packets = packets?.since(baseline.packets)
        return metrics
    }
}

extension UInt64? {
    /// What was counted since; nil where it wasn't.
    fileprivate func since(_ before: UInt64?) -> UInt64? {
        guard let self, let before, self >= before else { return self }
        return self - before
    }
}

/// nil as soon as one of them doesn't know: part of a sum is none.
extension [QUICPathMetrics] {
    fileprivate func sum(_ figure: (QUICPathMetrics) -> UInt64?) -> UInt64? {
        reduce(into: 0 as UInt64?) { sum, each in sum = sum.flatMap { sum in figure(each).map { sum &+ $0 } } }
    }

    fileprivate func sum(_ figure: (QUICPathMetrics) -> ByteCount?) -> ByteCount? {
        sum { figure($0)?.bytes }.map { ByteCount($0) }
    }

    fileprivate func mean(_ figure: (QUICPathMetrics) -> Duration?) -> Duration? {
        let known = compactMap(figure)
        return known.count == count ? known.reduce(.zero, +) / known.count : nil
    }
}
