package import QrateMeasurement

extension WireSettings {
    package init(_ settings: EffectiveSettings) {
        self.init()
        congestionController = settings.congestionController
        maxUDPPayload = settings.maxUDPPayload?.bytes
        segmentationOffload = settings.segmentationOffload
        receiveOffload = settings.receiveOffload
        sendBuffer = settings.sendBuffer?.bytes
        receiveBuffer = settings.receiveBuffer?.bytes
        ecn = settings.explicitCongestionNotification
    }

    /// The peer's settings, safe to print.
    package var settings: EffectiveSettings {
        var settings = EffectiveSettings()
        settings.congestionController = congestionController.map { printable($0, limit: Self.longestName) }
        settings.maxUDPPayload = maxUDPPayload.map { ByteCount($0) }
        settings.segmentationOffload = segmentationOffload
        settings.receiveOffload = receiveOffload
        settings.sendBuffer = sendBuffer.map { ByteCount($0) }
        settings.receiveBuffer = receiveBuffer.map { ByteCount($0) }
        settings.explicitCongestionNotification = ecn
        return settings
    }

    /// A congestion controller's name, in bytes. Linux's are 15 at most (TCP_CA_NAME_MAX).
    private static let longestName = 32
}
