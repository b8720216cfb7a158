import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateSockets

extension SelfTestHost {
    /// What this host says of itself, and grants this process.
    static func inspected() async -> SelfTestHost {
        // Files, sockets, and a trial of ciphers: it blocks for some milliseconds.
        await DedicatedThread.run(name: "qrate-inspect") {
            var host = SelfTestHost()
            host.platform = .current
            host.buffers = granted()
            if let outcome = try? OffloadProbe.run() {
                host.offloads = Offloads(segmentation: outcome.segmentation, receive: outcome.coalescing)
            }
            host.congestion = congestion()
            host.clock.resolution = MonotonicClock.resolution
            host.clock.reading = MonotonicClock.costOfReading
            host.clock.source = MonotonicClock.source
            host.clock.isSynchronized = MonotonicClock.isWallClockSynchronized
            host.encryption = encryption()
            return host
        }
    }

    /// nil when no socket can be opened: the tests say why.
    private static func granted() -> Buffers? {
        let options = DatagramSocket.Options()
        guard let socket = try? DatagramSocket.bound(to: .loopback(.ipv4, port: 0), options) else { return nil }
        func limit(_ name: String) -> ByteCount? {
            SystemFile.words("/proc/sys/net/core/\(name)").first.flatMap { UInt64($0) }.map { ByteCount($0) }
        }
        return Buffers(
            asked: ByteCount(UInt64(options.bufferSize)),
            receive: ByteCount(UInt64(clamping: socket.grantedReceiveBuffer)),
            send: ByteCount(UInt64(clamping: socket.grantedSendBuffer)), receiveLimit: limit("rmem_max"),
            sendLimit: limit("wmem_max"))
    }

    private static func congestion() -> Congestion {
        var congestion = Congestion()
        congestion.available = CongestionControl.available
        congestion.allowed = CongestionControl.allowed
        congestion.standard = CongestionControl.standard
        congestion.quic = CongestionController.allCases.map(\.rawValue)
        congestion.canUseCommonController =
            CongestionControl.refusal(of: ComparisonParameters.commonController) == nil
        return congestion
    }

    private static func encryption() -> Encryption {
        var encryption = Encryption()
        encryption.hasAESInstructions = ProcessorFeatures.hasAES
        encryption.library = AEADSelection.library(for: .auto).rawValue
        switch AEADSelection.trial {
        case .won(let share)?, .slower(let share)?: encryption.shareOfGnuTLS = share
        case .disagreed?: encryption.disagrees = true
        case nil: break
        }
        return encryption
    }
}
