import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver

/// One connection of a data plane.
struct PlaneMember {
    let number: ConnectionNumber
    let connection: QUICConnection
    /// Which of the plane's connections it is, from 0 on.
    let place: Int
    /// The test's streams that it carries, 0 for stream 1.
    let streams: Range<Int>
    /// What the connection had counted before this test.
    let baseline: QUICPathMetrics

    /// The streams of each connection: as even as can be, the first ones have one more.
    static func share(_ place: Int, of connections: Int, streams: Int) -> Range<Int> {
        let each = streams / max(connections, 1), extra = streams % max(connections, 1)
        let start = place * each + min(place, extra)
        return start..<start + each + (place < extra ? 1 : 0)
    }
}

extension [PlaneMember] {
    var receivedTotal: UInt64 { reduce(0) { $0 &+ $1.connection.receivedTotal } }
    var finishedStreams: Int { reduce(0) { $0 + $1.connection.finishedStreams } }
    var resetStreams: Int { reduce(0) { $0 + $1.connection.resetStreams } }

    /// The path as all of them see it: counts and windows add up, round trips are the mean, and the smallest the smallest.
    func pathMetrics() -> QUICPathMetrics {
        let each = map { member in
            var metrics = member.connection.pathMetrics()
            metrics.datagramsSent = metrics.datagramsSent.since(member.baseline.datagramsSent)
            metrics.datagramsReceived = metrics.datagramsReceived.since(member.baseline.datagramsReceived)
            metrics.sendCalls = metrics.sendCalls.since(member.baseline.sendCalls)
            return metrics
        }
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
        all.maxUDPPayload = each.compactMap(\.maxUDPPayload).min()
        return all
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
