import QrateControlProtocol
import QrateMeasurement

/// What the wire can't carry to a server that isn't qrate is refused, never left out silently.
extension TestParameters {
    /// Why this server can't run the test, or nil.
    func foreignServerFailure(_ server: PeerProtocol) -> TestFailure? {
        refusal(server).map { TestFailure(.usage, $0) }
    }

    private func refusal(_ server: PeerProtocol) -> String? {
        if limit.byteBudget != nil, !server.hasByteBudget {
            return "The server (\(server.software)) ends no test after a number of bytes (-n)."
        }
        if settings.probesPathMTU, !server.announces(Capability.mtuProbe) {
            return "The server (\(server.software)) answers no search for the path MTU (--probe-mtu)."
        }
        if measuresLatency, !server.answersProbes {
            return "The server (\(server.software)) answers no latency probes (--latency)."
        }
        guard !server.speaksQrate else { return nil }
        if transport == .quic, direction != .bidirectional, streams > Self.foreignStreams {
            return "The server (\(server.software)) opens no more than \(Self.foreignStreams) QUIC streams in one "
                + "direction; -P asks for \(streams)."
        }
        if let flag = foreignSetting(server) {
            return "\(flag) needs a qrate server: \(server.software) cannot be told."
        }
        guard direction.sends(from: .client) else { return nil }
        if warmUp > .zero {
            return "--omit in an upload needs a qrate server: it is the receiver who leaves the warm-up out."
        }
        if interval != .seconds(1) {
            return "-i in an upload needs a qrate server: \(server.software) reports once a second."
        }
        return nil
    }

    /// The flag of a setting that the server would have to know about.
    private func foreignSetting(_ server: PeerProtocol) -> String? {
        if settings.maxSegmentSize != nil { return "-M" }
        if settings.skipsReceiveCopy { return "--skip-rx-copy" }
        if settings.maxDatagram != nil { return "--max-datagram" }
        if settings.connections != 1 { return "--connections" }
        if settings.usesDatagrams { return "--datagrams" }
        let serverSends = direction.sends(from: .server)
        switch transport {
        case .quic:
            if settings.window != nil { return "-w with QUIC" }
            guard serverSends else { break }
            if targetBitrate != nil { return "-b where a QUIC server sends" }
            if settings.congestionController != nil { return "-C where a QUIC server sends" }
            if settings.typeOfService != nil { return "-S where a QUIC server sends" }
        case .udp:
            if let size = settings.payloadUnit, size != Self.foreignDatagram {
                return "-l other than \(Self.foreignDatagram.bytes) over UDP"
            }
        case .tcp, .tls:
            if serverSends, settings.payloadUnit != nil { return "-l where the server sends" }
            if serverSends, settings.usesZeroCopy, !server.announces(Capability.zeroCopy) {
                return "-Z where the server sends"
            }
        }
        return serverSends && payload == .zeros ? "--zeros where the server sends" : nil
    }

    /// xfr's streams one way: quinn's default limit of unidirectional streams.
    private static let foreignStreams = 100
    /// xfr's datagrams, header included.
    private static let foreignDatagram = ByteCount(1400)

    /// With a duration that whole seconds can express, warm-up included; never shorter.
    var inWholeSeconds: TestParameters {
        guard let duration = limit.duration else { return self }
        let (seconds, attoseconds) = (duration + warmUp).components
        guard attoseconds > 0 else { return self }
        var rounded = self
        let window = Duration.seconds(seconds + 1) - warmUp
        rounded.limit = limit.byteBudget.map { .whicheverFirst(window, $0) } ?? .duration(window)
        return rounded
    }
}
