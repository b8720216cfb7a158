package import QrateMeasurement

extension TestStart {
    mutating func take(_ settings: TransportSettings) {
        congestion = settings.congestionController
        usesMultipath = settings.usesMultipath ? true : nil
        dscp = settings.typeOfService
        windowSize = settings.window?.bytes
        usesZeroCopy = settings.usesZeroCopy ? true : nil
        probesPathMTU = settings.probesPathMTU ? true : nil
        sendsWithoutDelay = settings.sendsWithoutDelay ? true : nil
    }

    /// How the client wants the transport to be set up, in numbers that fit a system call.
    ///
    /// What xfr's server takes no notice of, we don't from a client that isn't qrate: everything over QUIC, congestion
    /// control and TCP's options over UDP. Its `zerocopy` is a permission, which its clients always give.
    ///
    /// - Throws: ``ControlError/refused(_:)``.
    func settings(_ kind: TransportKind) throws(ControlError) -> TransportSettings {
        var settings = TransportSettings()
        guard let qrate else {
            if kind == .quic { return settings }
            settings.typeOfService = dscp
            settings.window = windowSize.flatMap {
                $0 == 0 ? nil : ByteCount(min($0, SettingLimits.window.upperBound))
            }
            settings.probesPathMTU = kind == .udp && probesPathMTU == true
            if kind == .udp { return settings }
            settings.congestionController = try congestion.map(Self.checkedController)
            settings.usesMultipath = usesMultipath ?? false
            settings.sendsWithoutDelay = true  // xfr's servers always do
            return settings
        }
        settings.congestionController = try congestion.map(Self.checkedController)
        settings.typeOfService = dscp
        settings.window = try Self.size(windowSize, "Window", SettingLimits.window)
        settings.usesMultipath = usesMultipath ?? false
        settings.usesZeroCopy = usesZeroCopy ?? false
        settings.probesPathMTU = probesPathMTU ?? false
        settings.sendsWithoutDelay = sendsWithoutDelay ?? false
        settings.payloadUnit = try Self.size(qrate.payloadUnit, "Payload unit", SettingLimits.payloadUnit(kind))
        let segment = try Self.size(qrate.maxSegmentSize.map(UInt64.init), "Segment size", SettingLimits.segment)
        settings.maxSegmentSize = segment.map { Int($0.bytes) }
        settings.skipsReceiveCopy = qrate.skipsReceiveCopy ?? false
        settings.maxDatagram = try Self.maxDatagram(qrate)
        let connections = qrate.connections ?? 1
        guard (1...streams).contains(connections) else {
            throw .refused("\(connections) connections for \(streams) streams: each needs one at least")
        }
        settings.connections = Int(connections)
        settings.usesDatagrams = qrate.usesDatagrams ?? false
        return settings
    }

    private static func maxDatagram(_ qrate: Extension) throws(ControlError) -> TransportSettings.MaxDatagram? {
        if qrate.maxDatagramIsInterface == true { return .interface }
        let size = try size(qrate.maxDatagram.map(UInt64.init), "Largest datagram", SettingLimits.maxDatagram)
        return size.map { .bytes(Int($0.bytes)) }
    }

    private static func size(
        _ bytes: UInt64?, _ what: String, _ limits: ClosedRange<UInt64>
    ) throws(ControlError) -> ByteCount? {
        guard let bytes else { return nil }
        guard limits.contains(bytes) else {
            throw .refused(
                "\(what) of \(bytes) bytes is outside the limits of \(limits.lowerBound) to \(limits.upperBound)")
        }
        return ByteCount(bytes)
    }

    /// As a kernel names one. Whether this one has it is found out where it is set.
    private static func checkedController(_ name: String) throws(ControlError) -> String {
        guard SettingLimits.isControllerName(name) else {
            let shown = printable(name, limit: 32)
            throw .refused(
                "Unsupported congestion control algorithm '\(shown)': a name has 1 to 15 letters, digits, - or _")
        }
        return name
    }
}

extension TestStart.Extension {
    mutating func take(_ settings: TransportSettings) {
        payloadUnit = settings.payloadUnit?.bytes
        maxSegmentSize = settings.maxSegmentSize.map { UInt32(clamping: $0) }
        skipsReceiveCopy = settings.skipsReceiveCopy ? true : nil
        switch settings.maxDatagram {
        case .bytes(let count): maxDatagram = UInt32(clamping: count)
        case .interface: maxDatagramIsInterface = true
        case nil: break
        }
        connections = settings.connections == 1 ? nil : UInt8(clamping: settings.connections)
        usesDatagrams = settings.usesDatagrams ? true : nil
    }
}

/// What a transport's settings may be, on the command line and on the wire.
package enum SettingLimits {
    /// What fits the kernel's `int`.
    package static let window: ClosedRange<UInt64> = 1...2_147_483_647
    /// TCP_MAXSEG (tcp(7)): from Linux' TCP_MIN_MSS to its MAX_TCP_WINDOW.
    package static let segment: ClosedRange<UInt64> = 88...32_767
    /// From QUIC's smallest maximum (RFC 9000 section 14) to what UDP over IPv4 carries.
    package static let maxDatagram: ClosedRange<UInt64> = 1200...65_507

    /// A write, or a datagram with its header of 16 bytes.
    package static func payloadUnit(_ kind: TransportKind) -> ClosedRange<UInt64> {
        switch kind {
        case .tcp, .tls: 1...16_777_216
        case .udp, .quic: 16...65_507
        }
    }

    /// Linux' TCP_CA_NAME_MAX is 16 with the end's NUL.
    package static func isControllerName(_ name: String) -> Bool {
        (1...15).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-" || $0 == "_")
            }
    }
}
