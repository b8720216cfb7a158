import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateSockets
import QrateStatistics
import QrateTransportAPI

extension QUICPlaneCore {
    func sample(_ socket: DatagramSocket, now: MonotonicTime) -> PlaneSample {
        PlaneSample(sent: sent, path: path(now: now), settings: effectiveSettings(socket))
    }

    /// nil until every connection sends.
    private var sent: [ByteCount]? {
        guard members.count == connections else { return nil }
        var all: [ByteCount] = []
        for member in members {
            guard let each = member.connection.sent else { return nil }
            all += each.map { ByteCount($0) }
        }
        return all
    }

    private func effectiveSettings(_ socket: DatagramSocket) -> EffectiveSettings {
        var result = EffectiveSettings()
        result.congestionController = settings.congestionController.rawValue
        result.maxUDPPayload = members.pathMetrics().maxUDPPayload
        result.segmentationOffload = socket.usesSegmentation
        result.receiveOffload = socket.coalescesReceives
        result.sendBuffer = ByteCount(UInt64(socket.grantedSendBuffer))
        result.receiveBuffer = ByteCount(UInt64(socket.grantedReceiveBuffer))
        let marks = members.map(\.connection.ecnValidated)
        result.explicitCongestionNotification =
            marks.contains(false) ? false : marks.isEmpty || marks.contains(nil) ? nil : true
        result.aead = members.first?.connection.aead?.rawValue
        if plan.receives { result.flowControlWindow = ByteCount(settings.windowCeiling) }
        if let byte = plan.parameters.settings.typeOfService { result.typeOfService = byte & 0xfc }
        if plan.sends, let unit = members.compactMap(\.connection.datagramUnit).min() {
            result.payloadUnit = ByteCount(UInt64(unit))
        }
        result.pacingBurst = pace?.burst
        return result
    }

    private func path(now: MonotonicTime) -> PathReport? {
        guard let start = plan.sends ? sendingSince : meter.openedAt, !members.isEmpty else { return nil }
        return PathReport(
            observedBy: plan.role, start: .zero, end: now - start, metrics: .quic(members.pathMetrics()))
    }
}
