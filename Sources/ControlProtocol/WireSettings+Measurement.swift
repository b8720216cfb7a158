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
        socketBufferAsked = settings.socketBufferAsked?.bytes
        offloadFallbacks = settings.offloadFallbacks?.map(\.rawValue)
        ecn = settings.explicitCongestionNotification
        payloadUnit = settings.payloadUnit?.bytes
        pacingBurst = settings.pacingBurst?.bytes
        typeOfService = settings.typeOfService
        maxSegmentSize = settings.maxSegmentSize?.bytes
        sendsWithoutDelay = settings.sendsWithoutDelay
        usesZeroCopy = settings.usesZeroCopy
        skipsReceiveCopy = settings.skipsReceiveCopy
        usesMultipath = settings.usesMultipath
        flowControlWindow = settings.flowControlWindow?.bytes
        aead = settings.aead
        endpointThreads = settings.endpointThreads.map { UInt32(clamping: $0) }
        recording = settings.recording.map { WireRecording($0) }
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
        settings.socketBufferAsked = socketBufferAsked.map { ByteCount($0) }
        settings.offloadFallbacks = offloadFallbacks.map { names in
            OffloadFallback.allCases.filter { names.contains($0.rawValue) }
        }
        settings.explicitCongestionNotification = ecn
        settings.payloadUnit = payloadUnit.map { ByteCount($0) }
        settings.pacingBurst = pacingBurst.map { ByteCount($0) }
        settings.typeOfService = typeOfService
        settings.maxSegmentSize = maxSegmentSize.map { ByteCount($0) }
        settings.sendsWithoutDelay = sendsWithoutDelay
        settings.usesZeroCopy = usesZeroCopy
        settings.skipsReceiveCopy = skipsReceiveCopy
        settings.usesMultipath = usesMultipath
        settings.flowControlWindow = flowControlWindow.map { ByteCount($0) }
        settings.aead = aead.map { printable($0, limit: Self.longestName) }
        settings.endpointThreads = endpointThreads.map { Int(clamping: $0) }
        settings.recording = recording.flatMap(\.settings)
        return settings
    }

    /// A congestion controller's or library's name, in bytes. Linux's controllers have 15 at most (TCP_CA_NAME_MAX).
    private static let longestName = 32
}
