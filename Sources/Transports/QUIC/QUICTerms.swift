import QrateDatagramProtocol
import QrateMeasurement
import QrateQUICCore
import QrateSockets
import QrateTransportAPI

/// What a test's parameters ask of QUIC connections, and what they can't ask.
enum QUICTerms {
    /// The most connections of one test.
    static let connectionLimit = 64
    /// A larger batch than one datagram would not go out at once, and IPv6 leaves no more.
    static let datagramSizes = QUICConnection.smallestPathMTU...QUICConnection.batchBytes

    /// - Throws: `usage`, with the value and what is possible instead.
    static func check(_ parameters: TestParameters) throws(TransportError) {
        let settings = parameters.settings
        if let name = settings.congestionController, CongestionController(rawValue: name) == nil {
            let names = CongestionController.allCases.map(\.rawValue).joined(separator: ", ")
            throw TransportError(.usage, "QUIC has no congestion controller \"\(printable(name))\": it has \(names)")
        }
        if let window = settings.window, !ConnectionSettings.windowLimits.contains(window.bytes) {
            let limits = ConnectionSettings.windowLimits
            throw TransportError(
                .usage,
                "a flow-control window of \(window.bytes) bytes is out of range: \(limits.lowerBound) to "
                    + "\(limits.upperBound) over QUIC")
        }
        if case .bytes(let size)? = settings.maxDatagram, !datagramSizes.contains(size) {
            throw TransportError(
                .usage,
                "datagrams of \(size) bytes are out of range: \(datagramSizes.lowerBound) to "
                    + "\(datagramSizes.upperBound) over QUIC")
        }
        guard (1...connectionLimit).contains(settings.connections) else {
            throw TransportError(
                .usage, "\(settings.connections) connections are out of range: 1 to \(connectionLimit)")
        }
        guard parameters.streams >= settings.connections else {
            throw TransportError(
                .usage,
                "\(parameters.streams) streams can't be spread over \(settings.connections) connections: use as many "
                    + "with -P at least")
        }
        if settings.usesDatagrams { try checkDatagrams(parameters) }
        if let what = unsupported(settings) { throw TransportError(.usage, "QUIC tests have no \(what)") }
    }

    private static func checkDatagrams(_ parameters: TestParameters) throws(TransportError) {
        let settings = parameters.settings
        guard parameters.streams == settings.connections else {
            throw TransportError(
                .usage,
                "QUIC datagrams have one flow per connection: \(parameters.streams) streams need as many connections, not "
                    + "\(settings.connections)")
        }
        guard let unit = settings.payloadUnit else { return }
        let packet =
            switch settings.maxDatagram {
            case nil: discoveredPayload
            case .bytes(let size)?: size
            case .interface?: datagramSizes.upperBound
            }
        let sizes = DataHeader.byteCount...packet - packetOverhead
        guard let size = Int(exactly: unit.bytes), sizes.contains(size) else {
            throw TransportError(
                .usage,
                "QUIC datagrams of \(unit.bytes) bytes are out of range: \(sizes.lowerBound) to \(sizes.upperBound)"
                    + (settings.maxDatagram == nil ? " without --max-datagram" : " in packets of \(packet) bytes"))
        }
    }

    /// The largest that path MTU discovery finds.
    private static let discoveredPayload = 1444
    /// Around a datagram of payload: headers, frame and tag.
    private static let packetOverhead = 38

    /// The first setting of another transport.
    private static func unsupported(_ settings: TransportSettings) -> String? {
        if settings.payloadUnit != nil, !settings.usesDatagrams { return "write size: a stream's packets are filled" }
        if settings.maxSegmentSize != nil { return "maximum segment size: see --max-datagram" }
        if settings.sendsWithoutDelay { return "TCP_NODELAY" }
        if settings.usesZeroCopy { return "zero-copy mode" }
        if settings.skipsReceiveCopy { return "mode that skips the copy at the receiver" }
        if settings.usesMultipath { return "Multipath TCP" }
        if settings.probesPathMTU { return "path MTU test of their own: see the largest datagram in each result" }
        return nil
    }

    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.filter { (0x21...0x7e).contains($0.value) }.prefix(32).map(Character.init))
    }

    /// How one end makes the connections of a test.
    ///
    /// - Parameters:
    ///   - parameters: Checked by ``check(_:)``.
    ///   - base: How it makes them otherwise.
    ///   - remote: The peer, for the interface that leads there.
    /// - Throws: `usage` for datagrams that the interface doesn't take.
    static func settings(
        for parameters: TestParameters, on base: ConnectionSettings, remote: SocketAddress
    ) throws(TransportError) -> ConnectionSettings {
        var result = base
        if let name = parameters.settings.congestionController, let known = CongestionController(rawValue: name) {
            result.congestionController = known
        }
        if let window = parameters.settings.window { result.windowCeiling = window.bytes }
        if let byte = parameters.settings.typeOfService { result.typeOfService = byte }
        result.cipher = parameters.settings.cipher ?? base.cipher
        guard let maxDatagram = parameters.settings.maxDatagram else { return result }
        let largest: Int
        do throws(SocketError) {
            largest = min(try DatagramSocket.largestPayload(to: remote), datagramSizes.upperBound)
        } catch {
            throw TransportError(.unreachable, "cannot reach \(remote): \(error.reason)", code: Int64(error.code))
        }
        switch maxDatagram {
        case .interface: result.maxUDPPayload = largest
        case .bytes(let size):
            guard size <= largest else {
                throw TransportError(
                    .usage,
                    "datagrams of \(size) bytes are more than the interface towards \(remote.host) takes, which is "
                        + "\(largest): use --max-datagram \(largest) or less")
            }
            result.maxUDPPayload = size
        }
        result.ignoresPathMTU = true
        return result
    }

    /// Whether the server must make connections with other settings than those of `base`, which the one that asks was made
    /// with, or several.
    static func needsOwnConnections(_ parameters: TestParameters, at base: ConnectionSettings) -> Bool {
        let settings = parameters.settings
        if settings.connections > 1 { return true }
        if parameters.direction.sends(from: .server) {
            if settings.maxDatagram != nil { return true }
            if let name = settings.congestionController, name != base.congestionController.rawValue { return true }
        }
        guard parameters.direction.sends(from: .client), let window = settings.window else { return false }
        return window.bytes != base.windowCeiling
    }
}
