import QrateControlProtocol
import QrateMeasurement

extension TransportSettings {
    /// Why a setting makes no sense on this transport, and where it does; or nil.
    func misplaced(on transport: TransportKind) -> String? {
        func only(_ flag: String, _ what: String, _ places: [TransportKind]) -> String? {
            guard !places.contains(transport) else { return nil }
            let names = places.map { "--\($0.rawValue)" }.joined(separator: " and ")
            return "\(flag) \(what), and a test over \(transport.displayName) has none: it goes with \(names)."
        }
        if maxSegmentSize != nil, let text = only("-M", "sets TCP's segment size", [.tcp, .tls]) { return text }
        if sendsWithoutDelay, let text = only("--nodelay", "switches TCP's delay of small writes off", [.tcp, .tls]) {
            return text
        }
        if usesMultipath, let text = only("--mptcp", "asks for Multipath TCP connections", [.tcp, .tls]) {
            return text
        }
        if usesZeroCopy, let text = only("-Z", "hands payload to the kernel uncopied and unencrypted", [.tcp]) {
            return text
        }
        if skipsReceiveCopy, let text = only("--skip-rx-copy", "throws away bytes of a bare TCP stream", [.tcp]) {
            return text
        }
        if congestionController != nil,
            let text = only("-C", "chooses a congestion controller", [.quic, .tcp, .tls])
        {
            return text
        }
        if maxDatagram != nil, let text = only("--max-datagram", "limits QUIC's datagrams", [.quic]) { return text }
        if usesDatagrams, let text = only("--datagrams", "puts payload into QUIC's DATAGRAM frames", [.quic]) {
            return text
        }
        if connections != 1, let text = only("--connections", "spreads streams over QUIC connections", [.quic]) {
            return text
        }
        if cipher != nil, let text = only("--cipher", "chooses TLS 1.3's record cipher", [.quic, .tls]) { return text }
        if probesPathMTU, let text = only("--probe-mtu", "sends UDP datagrams of growing size", [.udp]) { return text }
        if payloadUnit != nil, transport == .quic, !usesDatagrams {
            return
                "-l sets the size of a write or a datagram, and QUIC's streams have neither: it goes with --tcp, --tls, "
                + "--udp and --datagrams."
        }
        return nil
    }
}

extension TestParameters {
    /// A size that its transport can't have, or nil.
    var sizeFailure: String? {
        func outside(_ flag: String, _ value: UInt64?, _ limits: ClosedRange<UInt64>) -> String? {
            guard let value, !limits.contains(value) else { return nil }
            return
                "\(flag) \(value): a test over \(transport.displayName) takes \(limits.lowerBound) to \(limits.upperBound) "
                + "bytes."
        }
        if let text = outside("-l", settings.payloadUnit?.bytes, SettingLimits.payloadUnit(transport)) { return text }
        if let text = outside("-w", settings.window?.bytes, SettingLimits.window) { return text }
        let segment = settings.maxSegmentSize.map { UInt64(clamping: $0) }
        if let text = outside("-M", segment, SettingLimits.segment) { return text }
        if case .bytes(let size) = settings.maxDatagram,
            let text = outside("--max-datagram", UInt64(clamping: size), SettingLimits.maxDatagram)
        {
            return text
        }
        if let name = settings.congestionController, !SettingLimits.isControllerName(name) {
            return
                "-C \(printable(name, limit: 32)): a congestion controller's name has 1 to 15 letters, digits, - or _."
        }
        if !(1...streams).contains(settings.connections) {
            return "\(settings.connections) connections (--connections) for \(streams) streams (-P): each connection "
                + "needs a stream at least."
        }
        if transport == .udp, let budget = limit.byteBudget, budget.bytes < SettingLimits.payloadUnit(.udp).lowerBound {
            return "A byte budget (-n) of \(budget.bytes) is less than a datagram's header of 16 bytes."
        }
        return settings.probesPathMTU ? searchFailure : nil
    }

    /// A search for the path MTU finds both directions' in one upload of one stream.
    private var searchFailure: String? {
        if streams != 1 { return "--probe-mtu needs one stream (-P 1): it sends one datagram after the other." }
        if direction != .upload {
            return "--probe-mtu finds both directions' sizes by itself: leave -R and --bidir out."
        }
        if measuresLatency { return "--probe-mtu loads no path: leave --latency out." }
        if limit.byteBudget != nil {
            return "--probe-mtu ends when it has found the sizes: leave the byte budget (-n) out."
        }
        return nil
    }
}
